package otp_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var ctx = context.Background()

func key(id string) secret.Key { return secret.Key{ID: id, Secret: []byte(strings.Repeat(id, 32))} }

// a bench is an engine with a clock that the test moves.
type bench struct {
	t     *testing.T
	db    storage.DB
	codes *otp.Engine
	mu    sync.Mutex
	now   time.Time
	n     atomic.Int64
}

func open(t *testing.T, db storage.DB, keys ...secret.Key) *bench {
	t.Helper()
	return openWith(t, db, otp.Policy{}, keys...)
}

func openWith(t *testing.T, db storage.DB, p otp.Policy, keys ...secret.Key) *bench {
	t.Helper()
	if len(keys) == 0 {
		keys = []secret.Key{key("a")}
	}
	b := &bench{t: t, db: db, now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	codes, err := otp.New(db, keys, &otp.Options{Policy: p, Now: func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.now
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.codes = codes
	return b
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// fresh returns a key that was not used.
func (b *bench) fresh() string { return fmt.Sprint("key", b.n.Add(1)) }

func (b *bench) issue(scope otp.Scope, holder otp.HolderID, purpose otp.Purpose) otp.Issued {
	b.t.Helper()
	issued, err := b.codes.Issue(ctx, otp.Issue{Scope: scope, Holder: holder, Purpose: purpose, Payload: []byte("for " + holder), Key: b.fresh()})
	if err != nil {
		b.t.Fatal(err)
	}
	return issued
}

func (b *bench) check(scope otp.Scope, code string, purpose otp.Purpose) (otp.Claim, error) {
	return b.codes.Check(ctx, otp.Check{Scope: scope, Typist: "kathy", Code: code, Purpose: purpose, Key: b.fresh()})
}

func (b *bench) spend(claim otp.Claim) error {
	return b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return b.codes.In(tx).Spend(ctx, claim) })
}

// wrong returns digits that are no code of these.
func wrong(issued ...otp.Issued) string {
	for {
		s := fmt.Sprintf("%06d", rand.IntN(1_000_000))
		for _, i := range issued {
			if i.Code == s {
				s = ""
			}
		}
		if s != "" {
			return s
		}
	}
}

func TestLiveCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a code tells whose it is and what for, and is spent once", func(t *testing.T) {
			b := open(t, db.Tenant("once"))
			issued := b.issue("wangjing", "alice", "stamp")
			claim, err := b.check("wangjing", "１２３"[:0]+issued.Code[:3]+" "+issued.Code[3:], "")
			if err != nil || claim.Code.Holder != "alice" || claim.Code.Purpose != "stamp" || string(claim.Code.Payload) != "for alice" {
				t.Fatal(claim, err)
			}
			carried, err := b.codes.Open(b.codes.Seal(claim))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.spend(carried); err != nil {
				t.Fatal(err)
			}
			for _, c := range []otp.Claim{claim, carried, {}} {
				if err := b.spend(c); !errors.Is(err, otp.ErrInvalidCode) {
					t.Fatal(err)
				}
			}
			if _, err := b.check("wangjing", issued.Code, ""); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal(err)
			}
		})
		t.Run("one error for unknown, expired, used, replaced, other shop and other purpose, and the reason in the journal", func(t *testing.T) {
			b := open(t, db.Tenant("reasons"))
			replaced := b.issue("s1", "alice", "stamp")
			issued := b.issue("s1", "alice", "stamp")
			used := b.issue("s2", "alice", "stamp")
			claim, err := b.check("s2", used.Code, "stamp")
			if err != nil {
				t.Fatal(err)
			}
			if err := b.spend(claim); err != nil {
				t.Fatal(err)
			}
			expired := b.issue("s3", "alice", "stamp")
			try := func(scope otp.Scope, code string, purpose otp.Purpose, reason string) {
				t.Helper()
				_, err := b.check(scope, code, purpose)
				if !errors.Is(err, otp.ErrInvalidCode) || strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), code) {
					t.Errorf("%s: %v", reason, err)
				}
				for r, err := range b.db.Journal().Of(ctx, journal.Subject("otp-typist", string(scope), "kathy")) {
					if err != nil || !strings.Contains(string(r.Result), `"reason":"`+reason+`"`) {
						t.Errorf("the journal says %s of %s: %v", r.Result, reason, err)
					}
					break
				}
			}
			try("s1", wrong(issued, replaced), "stamp", otp.Unknown)
			try("s1", replaced.Code, "stamp", "replaced")
			try("s1", issued.Code, "redeem", otp.WrongPurpose)
			try("s2", issued.Code, "stamp", otp.Unknown)
			try("s2", used.Code, "stamp", "used")
			b.wait(otp.DefaultTTL)
			try("s3", expired.Code, "stamp", otp.Expired)
		})
		t.Run("a code lives to the microsecond", func(t *testing.T) {
			b := open(t, db.Tenant("ttl"))
			issued := b.issue("s", "alice", "stamp")
			b.wait(otp.DefaultTTL - time.Microsecond)
			if _, err := b.check("s", issued.Code, ""); err != nil {
				t.Fatal(err)
			}
			b.wait(time.Microsecond)
			if _, err := b.check("s", issued.Code, ""); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal(err)
			}
		})
		t.Run("a claim ends", func(t *testing.T) {
			b := open(t, db.Tenant("claim"))
			issued := b.issue("s", "alice", "stamp")
			claim, err := b.check("s", issued.Code, "")
			if err != nil {
				t.Fatal(err)
			}
			b.wait(otp.ClaimTTL)
			if err := b.spend(claim); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal(err)
			}
		})
		t.Run("a new code kills the claim of the old", func(t *testing.T) {
			b := open(t, db.Tenant("replaced claim"))
			claim, err := b.check("s", b.issue("s", "alice", "stamp").Code, "")
			if err != nil {
				t.Fatal(err)
			}
			b.issue("s", "alice", "stamp")
			if err := b.spend(claim); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal(err)
			}
		})
		t.Run("a repeated key gives the first answer, and charges nothing", func(t *testing.T) {
			b := open(t, db.Tenant("keys"))
			issue := otp.Issue{Scope: "s", Holder: "alice", Purpose: "stamp", Key: "k"}
			first, err := b.codes.Issue(ctx, issue)
			if err != nil {
				t.Fatal(err)
			}
			again, err := b.codes.Issue(ctx, issue)
			if err != nil || !again.Replayed || again.Code != first.Code || !again.Expires.Equal(first.Expires) {
				t.Fatal(again, err)
			}
			issue.Purpose = "redeem"
			if _, err := b.codes.Issue(ctx, issue); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			check := otp.Check{Scope: "s", Typist: "kathy", Code: wrong(first), Key: "c"}
			for range 50 {
				if _, err := b.codes.Check(ctx, check); !errors.Is(err, otp.ErrInvalidCode) {
					t.Fatal(err)
				}
			}
			check.Code = first.Code
			if _, err := b.codes.Check(ctx, check); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			check.Key = "d"
			claim, err := b.codes.Check(ctx, check)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.spend(claim); err != nil {
				t.Fatal(err)
			}
			if claim, err := b.codes.Check(ctx, check); err != nil || !claim.Replayed {
				t.Fatal(err)
			}
			issue.Purpose = "stamp"
			if _, err := b.codes.Issue(ctx, issue); !errors.Is(err, otp.ErrEnded) {
				t.Fatal(err)
			}
		})
		t.Run("wrong codes run out, successes and new codes give none back, and time does", func(t *testing.T) {
			b := open(t, db.Tenant("budget"))
			issued := b.issue("s", "alice", "stamp")
			fails := 0
			var throttled *otp.ThrottledError
			for {
				_, err := b.check("s", wrong(issued), "")
				if errors.As(err, &throttled) {
					break
				}
				if !errors.Is(err, otp.ErrInvalidCode) {
					t.Fatal(err)
				}
				if fails++; fails > 10 {
					t.Fatal("no end of guesses")
				}
				claim, err := b.check("s", issued.Code, "")
				if errors.As(err, &throttled) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := b.spend(claim); err != nil {
					t.Fatal(err)
				}
				issued = b.issue("s", "alice", "stamp")
			}
			if fails != 4 {
				t.Fatalf("%d guesses, want 4 at once", fails)
			}
			for _, codes := range []*otp.Engine{b.codes, open(t, db.Tenant("budget")).codes} { // another process
				_, err := codes.Check(ctx, otp.Check{Scope: "s", Typist: "kathy", Code: issued.Code, Key: b.fresh()})
				if !errors.As(err, &throttled) {
					t.Fatal("a right code was read:", err)
				}
			}
			b.wait(throttled.RetryAfter)
			issued = b.issue("s", "alice", "stamp")
			if _, err := b.check("s", issued.Code, ""); err != nil {
				t.Fatal(err)
			}
			if _, err := b.codes.Check(ctx, otp.Check{Scope: "s", Typist: "li", Code: issued.Code, Key: "li"}); err != nil {
				t.Fatal("another manager pays for kathy:", err)
			}
		})
		t.Run("1000 guesses at once get no further than ten in a row", func(t *testing.T) {
			b := open(t, db.Tenant("parallel"))
			issued := b.issue("s", "alice", "stamp")
			var read atomic.Int64
			var wg sync.WaitGroup
			for i := range 1000 {
				wg.Go(func() {
					_, err := b.codes.Check(ctx, otp.Check{
						Scope: "s", Typist: otp.TypistID(fmt.Sprint("t", i%10)), Code: wrong(issued), Key: fmt.Sprint("p", i),
					})
					var throttled *otp.ThrottledError
					switch {
					case errors.Is(err, otp.ErrInvalidCode):
						read.Add(1)
					case !errors.As(err, &throttled):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if read.Load() != 8 {
				t.Fatalf("%d guesses were read, want the scope's 8", read.Load())
			}
		})
		t.Run("no two codes are alike while either may be typed", func(t *testing.T) {
			b := open(t, db.Tenant("unique"))
			seen := map[string]otp.HolderID{}
			for i := range 400 {
				holder := otp.HolderID(fmt.Sprint("m", i))
				issued := b.issue("s", holder, "stamp")
				if other, ok := seen[issued.Code]; ok {
					t.Fatalf("%s and %s have the same", holder, other)
				}
				seen[issued.Code] = holder
			}
			lengths := map[int]int{}
			for code := range seen {
				lengths[len(code)]++
			}
			if lengths[6] != 20 || lengths[7] != 200 || lengths[8] != 180 {
				t.Fatalf("lengths %v", lengths)
			}
		})
		t.Run("a key that is no longer the first still verifies", func(t *testing.T) {
			b := open(t, db.Tenant("rotation"))
			issued := b.issue("s", "alice", "stamp")
			rotated := open(t, db.Tenant("rotation"), key("b"), key("a"))
			claim, err := rotated.check("s", issued.Code, "")
			if err != nil || claim.Code.Holder != "alice" {
				t.Fatal(err)
			}
			gone := open(t, db.Tenant("rotation"), key("b"))
			gone.n.Add(100)
			if _, err := gone.check("s", issued.Code, ""); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal(err)
			}
		})
		t.Run("what is dead is pruned, and nothing else", func(t *testing.T) {
			b := open(t, db.Tenant("prune"))
			b.issue("s", "alice", "stamp")
			if _, err := b.check("s", "000000", ""); !errors.Is(err, otp.ErrInvalidCode) {
				t.Fatal("one in a million: the code was 000000")
			}
			prune := func(want int64) {
				t.Helper()
				if n, err := b.codes.Prune(ctx, b.now.AddDate(1, 0, 0)); err != nil || n != want {
					t.Fatalf("pruned %d, want %d: %v", n, want, err)
				}
			}
			prune(0)
			b.wait(otp.DefaultTTL)
			prune(0)
			b.wait(otp.Quarantine + time.Hour)
			prune(2) // the code, and what alice has asked for; what kathy has missed stays
			prune(0)
		})
	})
}

func TestRacers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("codes with 16 racers each have a winner each", func(t *testing.T) {
			b := open(t, db.Tenant("racers"))
			n := 500
			if race.Enabled {
				n = 50
			}
			claims := make([]otp.Claim, n)
			for i := range claims {
				scope := otp.Scope(fmt.Sprint("shop", i/20))
				claim, err := b.check(scope, b.issue(scope, otp.HolderID(fmt.Sprint("m", i)), "stamp").Code, "")
				if err != nil {
					t.Fatal(err)
				}
				claims[i] = claim
			}
			won := make([]atomic.Int64, len(claims))
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for _, i := range rand.Perm(len(claims)) {
						switch err := b.spend(claims[i]); {
						case err == nil:
							won[i].Add(1)
						case !errors.Is(err, otp.ErrInvalidCode):
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			for i := range won {
				if n := won[i].Load(); n != 1 {
					t.Fatalf("code %d has %d winners", i, n)
				}
			}
		})
	})
}

// A seeded attacker with many managers' hands types random digits as fast as the budget lets him,
// while codes live.
func TestBruteForce(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for _, live := range []int{1, 10, 40} {
		t.Run(fmt.Sprintf("%d live codes", live), func(t *testing.T) {
			b := open(t, memory.New())
			rng := rand.New(rand.NewPCG(1, uint64(live)))
			guesses, chance, hits := 0, 0.0, 0
			const windows = 50
			for w := range windows {
				counts := map[int]int64{}
				for i := range live {
					counts[len(b.issue("s", otp.HolderID(fmt.Sprint("m", i)), "stamp").Code)]++
				}
				best := 6
				for d, n := range counts {
					if float64(n)/math.Pow10(d) > float64(counts[best])/math.Pow10(best) {
						best = d
					}
				}
				for step := range 10 { // of a minute, within the codes' life of three
					if step%3 == 0 {
						for i := range live {
							b.issue("s", otp.HolderID(fmt.Sprint("m", i)), "stamp")
						}
					}
					for typist := range 5 {
						code := fmt.Sprintf("%0*d", best, rng.Int64N(int64(math.Pow10(best))))
						_, err := b.codes.Check(ctx, otp.Check{
							Scope: "s", Typist: otp.TypistID(fmt.Sprint("t", typist)), Code: code, Key: fmt.Sprint(w, "-", step, "-", typist),
						})
						var throttled *otp.ThrottledError
						if errors.As(err, &throttled) {
							continue
						}
						guesses++
						chance += float64(counts[best]) / math.Pow10(best)
						if err == nil {
							hits++
						}
					}
					b.wait(time.Minute)
				}
				if _, err := b.codes.Prune(ctx, b.now); err != nil {
					t.Fatal(err)
				}
			}
			// In each of the windows the chance is at most 1 in 10,000; a burst may fall into the
			// first besides.
			if bound := (windows + 1) * 1e-4; chance > bound {
				t.Errorf("%d guesses had a chance of %.4f, more than %.4f", guesses, chance, bound)
			}
			if float64(hits) > chance+5*math.Sqrt(chance)+1 {
				t.Errorf("%d hits where %.4f were to be expected", hits, chance)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	b := open(t, memory.New())
	good := otp.Issue{Scope: "s", Holder: "alice", Purpose: "stamp", Key: "k"}
	for name, change := range map[string]func(*otp.Issue){
		"no scope":       func(c *otp.Issue) { c.Scope = "" },
		"NUL":            func(c *otp.Issue) { c.Holder = "a\x00" },
		"no UTF-8":       func(c *otp.Issue) { c.Purpose = "\xff" },
		"no key":         func(c *otp.Issue) { c.Key = "" },
		"a long life":    func(c *otp.Issue) { c.TTL = otp.MaxTTL + 1 },
		"a negative one": func(c *otp.Issue) { c.TTL = -1 },
		"1 MB":           func(c *otp.Issue) { c.Payload = make([]byte, 1<<20) },
	} {
		c := good
		change(&c)
		var input *errs.InputError
		if _, err := b.codes.Issue(ctx, c); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for r := range b.db.Journal().After(ctx, "", 0) {
		t.Fatal("something was stored:", r)
	}
}
