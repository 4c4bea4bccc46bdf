package customer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var (
	key1 = secret.Key{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}
	key2 = secret.Key{ID: "2", Secret: []byte("another secret of 32 bytes or more")}

	start  = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	openID = customer.Identity{Platform: customer.OpenID, Namespace: "wxA", ID: "oAlice"}
	atB    = customer.Identity{Platform: customer.OpenID, Namespace: "wxB", ID: "oAlice2"}
	union  = customer.Identity{Platform: customer.UnionID, Namespace: "ours", ID: "uAlice"}
	number = customer.Identity{Platform: customer.Phone, ID: "+8613800138000"}
	other  = customer.Identity{Platform: customer.Phone, ID: "+8613900139000"}
	bobs   = customer.Identity{Platform: customer.OpenID, Namespace: "wxA", ID: "oBob"}
)

// A bench has an engine whose clock stands until it is moved.
type bench struct {
	*customer.Engine
	t  testing.TB
	db storage.DB
	at atomic.Int64
	n  atomic.Int64
}

func open(t testing.TB, db storage.DB, keys ...secret.Key) *bench {
	b := &bench{t: t, db: db}
	b.at.Store(start.UnixMicro())
	b.Engine = b.engine(keys...)
	return b
}

// engine is one of another process.
func (b *bench) engine(keys ...secret.Key) *customer.Engine {
	b.t.Helper()
	if len(keys) == 0 {
		keys = []secret.Key{key1}
	}
	e, err := customer.New(b.db, keys, &customer.Options{Now: b.now})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *bench) now() time.Time       { return time.UnixMicro(b.at.Load()).UTC() }
func (b *bench) pass(d time.Duration) { b.at.Add(d.Microseconds()) }
func (b *bench) key() string          { return fmt.Sprint("key-", b.n.Add(1)) }

func (b *bench) signIn(all ...customer.Identity) customer.SignedIn {
	b.t.Helper()
	s, err := b.SignIn(b.t.Context(), customer.SignIn{Identity: all[0], Also: all[1:], Way: "wechat"})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) link(m ids.Member, i customer.Identity) (customer.Outcome, error) {
	return b.Link(b.t.Context(), customer.Link{Member: m, Identity: i, Way: "sms", Key: b.key()})
}

func (b *bench) get(m ids.Member) customer.Customer {
	b.t.Helper()
	c, err := b.Get(b.t.Context(), m)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// has reports the identities of a customer, in the order in which they were linked.
func (b *bench) has(m ids.Member) (all []customer.Identity) {
	for _, l := range b.get(m).Identities {
		all = append(all, l.Identity)
	}
	return all
}

func isError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a stranger is a new customer, and known from then on", func(t *testing.T) {
			b := open(t, db.Tenant("new"))
			first := b.signIn(openID, union)
			if !first.New || first.Linked != 2 || first.Member == "" {
				t.Fatal(first)
			}
			if again := b.signIn(openID, union); again != (customer.SignedIn{Member: first.Member}) {
				t.Error(again)
			}
			want := customer.Customer{ID: first.Member, Created: start, Version: 1, Identities: []customer.Linked{{Identity: openID, Way: "wechat", Time: start}, {Identity: union, Way: "wechat", Time: start}}}
			got := b.get(first.Member)
			slices.SortFunc(got.Identities, func(a, b customer.Linked) int { return strings.Compare(a.ID, b.ID) })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if m, err := b.Find(t.Context(), union); err != nil || m != first.Member {
				t.Error(m, err)
			}
			_, err := b.Find(t.Context(), bobs)
			isError(t, "an identity of nobody", err, customer.ErrUnknown)
		})
		t.Run("the unionid joins the apps of one operator", func(t *testing.T) {
			b := open(t, db.Tenant("apps"))
			first := b.signIn(openID, union)
			if second := b.signIn(atB, union); second != (customer.SignedIn{Member: first.Member, Linked: 1}) {
				t.Error(second)
			}
			if third := b.signIn(atB); third.Member != first.Member || third.Linked != 0 {
				t.Error(third)
			}
		})
		t.Run("a unionid that comes late is linked", func(t *testing.T) {
			b := open(t, db.Tenant("late"))
			first := b.signIn(openID)
			if second := b.signIn(openID, union); second != (customer.SignedIn{Member: first.Member, Linked: 1}) {
				t.Error(second)
			}
		})
		t.Run("a unionid that is another customer's stays there, and nobody is kept out", func(t *testing.T) {
			b := open(t, db.Tenant("clash"))
			alice, bob := b.signIn(openID, union), b.signIn(bobs)
			if again := b.signIn(bobs, union); again != (customer.SignedIn{Member: bob.Member, Clash: true}) {
				t.Error(again)
			}
			if m, _ := b.Find(t.Context(), union); m != alice.Member {
				t.Error("the unionid went to", m)
			}
		})
		t.Run("a unionid that is given anew takes the place of the old one", func(t *testing.T) {
			b := open(t, db.Tenant("anew"))
			first := b.signIn(openID, union)
			anew := customer.Identity{Platform: customer.UnionID, Namespace: "ours", ID: "uNew"}
			if second := b.signIn(openID, anew); second != (customer.SignedIn{Member: first.Member, Linked: 1}) {
				t.Error(second)
			}
			if got := b.has(first.Member); !slices.Contains(got, anew) || slices.Contains(got, union) {
				t.Error(got)
			}
			elsewhere := customer.Identity{Platform: customer.UnionID, Namespace: "theirs", ID: "uNew"}
			if third := b.signIn(openID, elsewhere); third.Member != first.Member || len(b.has(first.Member)) != 3 {
				t.Error(third, b.has(first.Member))
			}
		})
		t.Run("a new customer has the id that the service gives", func(t *testing.T) {
			b := open(t, db.Tenant("id"))
			s, err := b.SignIn(t.Context(), customer.SignIn{Identity: openID, Way: "wechat", Member: "m-1"})
			if err != nil || s.Member != "m-1" {
				t.Fatal(s, err)
			}
			if again, err := b.SignIn(t.Context(), customer.SignIn{Identity: openID, Way: "wechat", Member: "m-2"}); err != nil || again.Member != "m-1" {
				t.Error(again, err)
			}
			_, err = b.SignIn(t.Context(), customer.SignIn{Identity: bobs, Way: "wechat", Member: "m-1"})
			isError(t, "another one of that id", err, customer.ErrMember)
		})
		t.Run("in another tenant everybody is somebody else", func(t *testing.T) {
			a, b := open(t, db.Tenant("here")), open(t, db.Tenant("there"))
			if x, y := a.signIn(openID), b.signIn(openID); x.Member == y.Member || !y.New {
				t.Error(x, y)
			}
			_, err := b.Get(t.Context(), a.signIn(openID).Member)
			isError(t, "a customer of another tenant", err, customer.ErrUnknown)
		})
		t.Run("of many first sign-ins at once one makes the customer", func(t *testing.T) {
			b := open(t, db.Tenant("race"))
			var all sync.WaitGroup
			var made atomic.Int64
			members := make([]ids.Member, 32)
			for i := range members {
				all.Go(func() {
					s, err := b.SignIn(t.Context(), customer.SignIn{Identity: openID, Also: []customer.Identity{union}, Way: "wechat"})
					if err != nil {
						t.Error(err)
					}
					if members[i] = s.Member; s.New {
						made.Add(1)
					}
				})
			}
			all.Wait()
			if slices.Sort(members); made.Load() != 1 || members[0] != members[31] {
				t.Error(made.Load(), members)
			}
		})
		t.Run("in a unit of work that is rolled back nobody is made", func(t *testing.T) {
			b := open(t, db.Tenant("rolled back"))
			stop := errors.New("stop")
			err := b.db.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				if _, err := b.In(tx).SignIn(ctx, customer.SignIn{Identity: openID, Way: "wechat"}); err != nil {
					return err
				}
				return stop
			})
			isError(t, "the unit of work", err, stop)
			if s := b.signIn(openID); !s.New {
				t.Error(s)
			}
		})
	})
}

func TestLink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		alice, bob := b.signIn(openID).Member, b.signIn(bobs).Member
		b.pass(time.Hour)
		if out, err := b.link(alice, number); err != nil || out != (customer.Outcome{Member: alice, Version: 2}) {
			t.Fatal(out, err)
		}
		if l, ok := b.get(alice).Identity(customer.Phone, ""); !ok || l != (customer.Linked{Identity: number, Way: "sms", Time: b.now()}) {
			t.Error(l, ok)
		}
		_, err := b.link(bob, number)
		isError(t, "a phone of somebody else", err, customer.ErrTaken)
		if strings.Contains(err.Error(), string(alice)) || strings.Contains(err.Error(), "138001") || len(b.has(bob)) != 1 {
			t.Error("the error names somebody, or something has changed:", err, b.has(bob))
		}
		_, err = b.link(alice, other)
		isError(t, "a second phone", err, customer.ErrLinked)

		b.pass(time.Hour)
		change := customer.Link{Member: alice, Identity: other, Way: "quick", Replace: true, Key: "change"}
		out, err := b.Link(t.Context(), change)
		if err != nil || out.Former == nil || *out.Former != number {
			t.Fatal(out, err)
		}
		again, err := b.Link(t.Context(), change)
		if err != nil || !again.Replayed || again.Former == nil || *again.Former != number || again.Version != out.Version {
			t.Error("repeated:", again, err)
		}
		change.Identity = number
		_, err = b.Link(t.Context(), change)
		isError(t, "another phone by that key", err, journal.ErrKeyReused)
		if got, want := b.has(alice), []customer.Identity{openID, other}; !slices.Equal(got, want) {
			t.Error(got)
		}
		if _, err := b.link(bob, number); err != nil {
			t.Error("a phone that is free again:", err)
		}

		b.pass(time.Hour)
		if _, err := b.link(alice, other); err != nil {
			t.Error("again:", err)
		}
		if l, _ := b.get(alice).Identity(customer.Phone, ""); l.Time != b.now() || l.Way != "sms" {
			t.Error("proven again:", l)
		}

		unlink := func(m ids.Member, i customer.Identity) (customer.Outcome, error) {
			return b.Unlink(t.Context(), customer.Unlink{Member: m, Identity: i, Key: b.key()})
		}
		_, err = unlink(alice, number)
		isError(t, "what somebody else has", err, customer.ErrNotLinked)
		if out, err := unlink(alice, openID); err != nil || out.Former == nil || *out.Former != openID {
			t.Error(out, err)
		}
		_, err = unlink(alice, other)
		isError(t, "the last way in", err, customer.ErrLast)
		if s := b.signIn(openID); !s.New {
			t.Error("an identity that was unlinked is known:", s)
		}
		_, err = b.link("nobody", bobs)
		isError(t, "nobody", err, customer.ErrUnknown)
	})
}

func TestManyLinkOnePhone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		var all sync.WaitGroup
		var won atomic.Int64
		for i := range 16 {
			m := b.signIn(customer.Identity{Platform: "line", ID: fmt.Sprint(i)}).Member
			all.Go(func() {
				switch _, err := b.link(m, number); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, customer.ErrTaken):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Error(won.Load(), "have the phone")
		}
	})
}

func TestAsManyIdentitiesAsThereMayBe(t *testing.T) {
	b := open(t, memory.New())
	alice := b.signIn(openID).Member
	for i := range customer.MaxIdentities - 1 {
		if _, err := b.link(alice, customer.Identity{Platform: "line", Namespace: fmt.Sprint(i), ID: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.link(alice, number)
	isError(t, "one more", err, customer.ErrFull)
	if s := b.signIn(openID, union); s != (customer.SignedIn{Member: alice}) {
		t.Error("a unionid for which there is no room is in the way:", s)
	}
}

func TestProfile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		alice := b.signIn(openID).Member
		p := customer.Profile{
			Nickname: "小爱", Family: "Wang", Gender: customer.Female, Birthday: customer.Date{Month: 5, Day: 1}, Country: "CN",
			Address: customer.Address{Lines: []string{"1 Wangjing St"}, City: "Beijing"},
		}
		put := customer.PutProfile{Member: alice, Profile: p, Key: "p1"}
		if out, err := b.PutProfile(t.Context(), put); err != nil || out.Version != 2 {
			t.Fatal(out, err)
		}
		if out, err := b.PutProfile(t.Context(), put); err != nil || !out.Replayed {
			t.Error(out, err)
		}
		if diff := cmp.Diff(p, b.get(alice).Profile); diff != "" {
			t.Error(diff)
		}
		put.Key, put.Version = "p2", 1
		_, err := b.PutProfile(t.Context(), put)
		isError(t, "of another version", err, customer.ErrChanged)
		put.Key, put.Version = "p3", 2
		put.Profile.Custom = map[string]string{"shoe": "42"}
		var input *errs.InputError
		if _, err := b.PutProfile(t.Context(), put); !errors.As(err, &input) {
			t.Error("a field that is not defined:", err)
		}
		fields := customer.Fields{Version: 1, Fields: []customer.Field{{Name: "shoe", Type: customer.Number}}}
		for range 2 {
			if err := b.Publish(t.Context(), fields); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.PutProfile(t.Context(), put); err != nil || b.get(alice).Profile.Custom["shoe"] != "42" {
			t.Error(err)
		}
		fields.Fields[0].Type = customer.Flag
		isError(t, "a version that is there", b.Publish(t.Context(), fields), customer.ErrFields)
		fields.Version = 2
		if err := b.Publish(t.Context(), fields); err == nil {
			t.Error("a field changed its type")
		}
		if f, err := b.Fields(t.Context()); err != nil || f.Version != 1 {
			t.Error(f, err)
		}

		prefer := customer.PutPreferences{Member: alice, Key: b.key(), Preferences: customer.Preferences{
			Language: "zh-Hans", Quiet: customer.Quiet{From: 22 * 60, To: 8 * 60, Zone: "Asia/Shanghai"}, Privacy: map[string]bool{"ads": false},
		}}
		if _, err := b.PutPreferences(t.Context(), prefer); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(prefer.Preferences, b.get(alice).Preferences); diff != "" {
			t.Error(diff)
		}
	})
}

func TestConsents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		alice := b.signIn(openID).Member
		say := func(given bool, at time.Time) {
			t.Helper()
			_, err := b.RecordConsent(t.Context(), customer.RecordConsent{Member: alice, By: "app", Key: b.key(), Consent: customer.Consent{
				Purpose: "marketing", Kind: customer.Plain, Given: given, Version: "3", Way: "miniprogram", Time: at,
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		may := func() error { return b.get(alice).May(customer.Use{Purpose: "marketing"}, b.now()) }
		say(true, b.now())
		if err := may(); err != nil {
			t.Error(err)
		}
		b.pass(time.Hour)
		say(false, b.now())
		isError(t, "withdrawn", may(), customer.ErrNoConsent)
		say(true, b.now().Add(-time.Minute))
		isError(t, "told late", may(), customer.ErrNoConsent)
		say(true, b.now().Add(time.Hour))
		isError(t, "a front end whose clock is ahead", may(), customer.ErrNoConsent)
		b.pass(time.Minute)
		say(true, b.now())
		if err := may(); err != nil {
			t.Error("given again:", err)
		}
		said, err := storage.Collect(b.Consents(t.Context(), alice))
		var given []bool
		for _, c := range said {
			if given = append(given, c.Given); c.By != "app" || c.Time.After(b.now()) {
				t.Error(c)
			}
		}
		if err != nil || !slices.Equal(given, []bool{true, false, true, true, true}) {
			t.Error(given, err)
		}
	})
}

func TestErase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		alice := b.signIn(openID, union).Member
		_, err := b.PutProfile(t.Context(), customer.PutProfile{Member: alice, Profile: customer.Profile{Nickname: "小爱"}, Key: b.key()})
		consent := customer.Consent{Purpose: "marketing", Kind: customer.Plain, Given: true, Version: "3", Way: "paper", Time: b.now()}
		_, err2 := b.RecordConsent(t.Context(), customer.RecordConsent{Member: alice, Consent: consent, Key: b.key()})
		due := b.now().Add(15 * 24 * time.Hour)
		_, err3 := b.ScheduleErasure(t.Context(), customer.ScheduleErasure{Member: alice, Due: due, Key: b.key()})
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		for before, want := range map[time.Time]int{due: 0, due.Add(time.Microsecond): 1} {
			if all, err := storage.Collect(b.Erasures(t.Context(), before)); err != nil || len(all) != want || want == 1 && all[0] != (customer.Erasure{Member: alice, Due: due}) {
				t.Error(all, err)
			}
		}
		isError(t, "a use", b.get(alice).May(customer.Use{Purpose: "marketing"}, b.now()), customer.ErrErased)
		c, err := b.Export(t.Context(), alice)
		if err != nil || c.Customer.Profile.Nickname != "小爱" || len(c.Customer.Identities) != 2 || len(c.Consents) != 1 {
			t.Error(c, err)
		}
		erase := customer.Erase{Member: alice, Key: "erase"}
		if _, err := b.Erase(t.Context(), erase); err != nil {
			t.Fatal(err)
		}
		if out, err := b.Erase(t.Context(), erase); err != nil || !out.Replayed {
			t.Error(out, err)
		}
		if diff := cmp.Diff(customer.Customer{ID: alice, Created: start, Consents: []customer.Consent{consent}, Erased: b.now(), Version: 5}, b.get(alice)); diff != "" {
			t.Error(diff)
		}
		if all, err := storage.Collect(b.Erasures(t.Context(), due.Add(time.Hour))); err != nil || len(all) != 0 {
			t.Error(all, err)
		}
		_, err = b.link(alice, number)
		isError(t, "a phone of somebody who was erased", err, customer.ErrErased)
		if s := b.signIn(openID); !s.New || s.Member == alice {
			t.Error("somebody who was erased is known:", s)
		}
		_, err = b.SignIn(t.Context(), customer.SignIn{Identity: bobs, Way: "wechat", Member: alice})
		isError(t, "an id of somebody who was erased", err, customer.ErrMember)
	})
}

func TestMoveApp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db, key1, key2)
		alice := b.signIn(openID, union).Member
		b.signIn(bobs, customer.Identity{Platform: customer.UnionID, Namespace: "ours", ID: "uBob"})
		b.signIn(customer.Identity{Platform: customer.OpenID, Namespace: "wxA", ID: "oEve"})
		if s := b.signIn(atB, union); s.Member != alice {
			t.Error(s)
		}
		for _, want := range []customer.Moved{{Moved: 1, Waiting: 1, Lost: 1}, {Waiting: 1, Lost: 1}} {
			if m, err := b.MoveApp(t.Context(), "wxA", "wxB"); err != nil || m != want {
				t.Error(m, err)
			}
		}
		if got := b.has(alice); slices.Contains(got, openID) || len(got) != 2 {
			t.Error(got)
		}
		var input *errs.InputError
		if _, err := b.MoveApp(t.Context(), "wxA", "wxA"); !errors.As(err, &input) {
			t.Error(err)
		}
	})
}

func TestKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		var members []ids.Member
		for i := range 5 {
			m := b.signIn(customer.Identity{Platform: "line", ID: fmt.Sprint(i)}).Member
			_, err := b.PutProfile(t.Context(), customer.PutProfile{Member: m, Profile: customer.Profile{Nickname: fmt.Sprint(i)}, Key: "p"})
			if members = append(members, m); err != nil {
				t.Fatal(err)
			}
		}
		link := customer.Link{Member: members[0], Identity: number, Way: "sms", Key: "link"}
		if _, err := b.Link(t.Context(), link); err != nil {
			t.Fatal(err)
		}
		known := func(what string, e *customer.Engine) {
			t.Helper()
			for i, m := range members {
				s, err := e.SignIn(t.Context(), customer.SignIn{Identity: customer.Identity{Platform: "line", ID: fmt.Sprint(i)}, Way: "line"})
				if err != nil || s.Member != m || s.New {
					t.Error(what, s, err)
				}
				if c, err := e.Get(t.Context(), m); err != nil || c.Profile.Nickname != fmt.Sprint(i) {
					t.Error(what, c, err)
				}
			}
			if out, err := e.Link(t.Context(), link); err != nil || !out.Replayed {
				t.Error(what, out, err)
			}
		}
		last, first := b.engine(key1, key2), b.engine(key2, key1)
		known("the new key last", last)
		known("the new key first", first)
		// Processes that are at different steps give nobody's identity to a second customer.
		s, err := first.SignIn(t.Context(), customer.SignIn{Identity: bobs, Way: "wechat"})
		if err != nil || !s.New {
			t.Fatal(s, err)
		}
		for _, e := range []*customer.Engine{last, first} {
			if again, err := e.SignIn(t.Context(), customer.SignIn{Identity: bobs, Way: "wechat"}); err != nil || again.Member != s.Member || again.New {
				t.Error(again, err)
			}
		}
		_, err = b.engine(key2).Get(t.Context(), members[0])
		isError(t, "a key that went too early", err, customer.ErrKeyGone)
		if n, err := first.Reseal(t.Context()); err != nil || n != 5 {
			t.Error(n, err)
		}
		if n, err := first.Reseal(t.Context()); err != nil || n != 0 {
			t.Error(n, err)
		}
		known("the old key last", first)
		link.Key = "link-again" // the journal's digest of the first one is by the old key
		if _, err := first.Link(t.Context(), link); err != nil {
			t.Error(err)
		}
		known("the old key gone", b.engine(key2))
	})
}

func TestPlainText(t *testing.T) {
	db := memory.New()
	if _, err := customer.New(db, nil, nil); err == nil {
		t.Error("an engine without keys")
	}
	if _, err := customer.New(db, []secret.Key{{ID: "1", Secret: []byte("short")}}, &customer.Options{PlainText: true}); err == nil {
		t.Error("a short key")
	}
	plain, err := customer.New(db, nil, &customer.Options{PlainText: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := plain.SignIn(t.Context(), customer.SignIn{Identity: number, Way: "sms"})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, db)
	_, err = b.Get(t.Context(), s.Member)
	isError(t, "an engine that does not know of plain text", err, customer.ErrKeyGone)
	both, err := customer.New(db, []secret.Key{key1}, &customer.Options{PlainText: true})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := both.Reseal(t.Context()); err != nil || n != 1 {
		t.Error(n, err)
	}
	if m, err := b.Find(t.Context(), number); err != nil || m != s.Member {
		t.Error(m, err)
	}
}

// An identity belongs to the one that a map gives it to, whatever is done in whatever order, and
// nobody loses the last way in.
func TestIdentitiesAreOfOneCustomer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			b := open(t, db.Tenant(fmt.Sprint("law-", n)), key1, key2)
			engines := []*customer.Engine{b.Engine, b.engine(key2, key1)}
			owner := map[customer.Identity]ids.Member{}
			var members []ids.Member
			draw := func(name string) customer.Identity {
				i := customer.Identity{Platform: rapid.SampledFrom([]customer.Platform{"line", customer.OpenID}).Draw(rt, name)}
				if i.Platform == customer.OpenID {
					i.Namespace = rapid.SampledFrom([]string{"wxA", "wxB"}).Draw(rt, "app")
				}
				i.ID = rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "id")
				return i
			}
			for range rapid.IntRange(1, 12).Draw(rt, "commands") {
				e, i := rapid.SampledFrom(engines).Draw(rt, "process"), draw("platform")
				var m ids.Member = "nobody"
				if len(members) > 0 {
					m = rapid.SampledFrom(members).Draw(rt, "member")
				}
				beside := func() (found customer.Identity, all int) {
					for has, o := range owner {
						if o == m {
							if all++; has.Platform == i.Platform && has.Namespace == i.Namespace {
								found = has
							}
						}
					}
					return found, all
				}
				switch rapid.IntRange(0, 2).Draw(rt, "command") {
				case 0:
					s, err := e.SignIn(rt.Context(), customer.SignIn{Identity: i, Way: "test"})
					if err != nil || owner[i] != "" && s.Member != owner[i] || s.New != (owner[i] == "") {
						rt.Fatalf("sign in: %+v, %v, of %q", s, err, owner[i])
					}
					if owner[i] = s.Member; s.New {
						members = append(members, s.Member)
					}
				case 1:
					replace := rapid.Bool().Draw(rt, "replace")
					_, err := e.Link(rt.Context(), customer.Link{Member: m, Identity: i, Way: "test", Replace: replace, Key: b.key()})
					old, _ := beside()
					var want error
					switch {
					case m == "nobody":
						want = customer.ErrUnknown
					case owner[i] != "" && owner[i] != m:
						want = customer.ErrTaken
					case old != (customer.Identity{}) && old != i && !replace:
						want = customer.ErrLinked
					default:
						delete(owner, old)
						owner[i] = m
					}
					if !errors.Is(err, want) {
						rt.Fatalf("link: %v, want %v", err, want)
					}
				case 2:
					_, err := e.Unlink(rt.Context(), customer.Unlink{Member: m, Identity: i, Key: b.key()})
					_, all := beside()
					var want error
					switch {
					case m == "nobody":
						want = customer.ErrUnknown
					case owner[i] != m:
						want = customer.ErrNotLinked
					case all == 1:
						want = customer.ErrLast
					default:
						delete(owner, i)
					}
					if !errors.Is(err, want) {
						rt.Fatalf("unlink: %v, want %v", err, want)
					}
				}
			}
			for _, m := range members {
				all := 0
				for _, i := range b.has(m) {
					if all++; owner[i] != m {
						rt.Fatalf("%s has %v, which is of %q", m, i, owner[i])
					}
				}
				for i, o := range owner {
					if found, err := b.Find(rt.Context(), i); o == m && (err != nil || found != m) {
						rt.Fatalf("%v is of %q, %v, want %s", i, found, err, m)
					}
				}
				if all == 0 {
					rt.Fatalf("%s has no way in", m)
				}
			}
		})
	})
}
