package customer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func moving(member ids.Member, all ...customer.Identity) customer.Import {
	c := customer.Import{Member: member, Key: "move-in"}
	for _, i := range all {
		c.Identities = append(c.Identities, customer.Linked{Identity: i, Way: "import"})
	}
	return c
}

func TestImport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		ctx, b := t.Context(), open(t, db)
		c := moving("alice", number, openID)
		c.Created, c.Identities[0].Time = start.AddDate(-3, 0, 0), start.AddDate(-1, 0, 0)
		c.Profile, c.Preferences = customer.Profile{Nickname: "小爱"}, customer.Preferences{Language: "zh-Hans"}
		out, err := b.Import(ctx, c)
		if err != nil || out.Version != 1 || out.Replayed {
			t.Fatal(out, err)
		}
		got, err := b.Get(ctx, "alice")
		want := customer.Customer{
			ID: "alice", Created: c.Created, Profile: c.Profile, Preferences: c.Preferences, Version: 1,
			Identities: []customer.Linked{{Identity: number, Way: "import", Time: c.Identities[0].Time}, {Identity: openID, Way: "import", Time: start}},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if s := b.signIn(number, union); s.Member != "alice" || s.New || s.Linked != 1 {
			t.Errorf("a sign-in by the number: %+v", s)
		}
		if again, err := b.engine(key2, key1).Import(ctx, c); err != nil || !again.Replayed {
			t.Error("after a rotation:", again, err)
		}
		c.Profile.Nickname = "Alice"
		if _, err := b.Import(ctx, c); !errors.Is(err, journal.ErrKeyReused) {
			t.Error(err)
		}
		c.Key = "again"
		if _, err := b.Import(ctx, c); !errors.Is(err, customer.ErrMember) {
			t.Error(err)
		}
		if _, err := b.Import(ctx, moving("bob", bobs, number)); !errors.Is(err, customer.ErrTaken) {
			t.Error(err)
		}
		if _, err := b.Get(ctx, "bob"); !errors.Is(err, customer.ErrUnknown) {
			t.Error("who was refused is there:", err)
		}
	})
}

func TestImportsAreRefused(t *testing.T) {
	b, later := open(t, memory.New()), start.Add(time.Second)
	with := func(change func(c *customer.Import)) customer.Import {
		c := moving("alice", number)
		change(&c)
		return c
	}
	for field, c := range map[string]customer.Import{
		"member": moving("", number), "identities": moving("alice"), "identities[1]": moving("alice", number, other),
		"identities[0].id":        moving("alice", customer.Identity{Platform: customer.Phone, ID: "138"}),
		"identities[0].time":      with(func(c *customer.Import) { c.Identities[0].Time = later }),
		"created":                 with(func(c *customer.Import) { c.Created = later }),
		"profile.gender":          with(func(c *customer.Import) { c.Profile.Gender = "x" }),
		"profile.custom":          with(func(c *customer.Import) { c.Profile.Custom = map[string]string{"shoe": "42"} }),
		"preferences.channels[0]": with(func(c *customer.Import) { c.Preferences.Channels = []string{""} }),
		"key":                     with(func(c *customer.Import) { c.Key = "" }),
	} {
		_, err := b.Import(t.Context(), c)
		var input *errs.InputError
		if !errors.As(err, &input) || input.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := b.Get(t.Context(), "alice"); !errors.Is(err, customer.ErrUnknown) {
		t.Error(err)
	}
}

// all yields customers with a number each, of which every tenth has that of the one before.
func all(n int) iter.Seq2[customer.Import, error] {
	return func(yield func(customer.Import, error) bool) {
		for i := range n {
			at := i
			if i%10 == 9 {
				at--
			}
			phone := customer.Identity{Platform: customer.Phone, ID: fmt.Sprintf("+86138%08d", at)}
			if !yield(moving(ids.Member(fmt.Sprint("m", i)), phone), nil) {
				return
			}
		}
	}
}

func TestImportAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b, told := open(t, db), map[int]bool{}
		o := &storage.ImportOptions[customer.Import]{Batch: 3, Refused: func(n int, _ customer.Import, err error) {
			if told[n/10] = true; n%10 < 8 || !errors.Is(err, customer.ErrTaken) {
				t.Error(n, err)
			}
		}}
		stopped, cancel := context.WithCancel(t.Context())
		first, err := b.ImportAll(stopped, all(40), &storage.ImportOptions[customer.Import]{Batch: 3, Workers: 1, Refused: o.Refused, Progress: func(done storage.Imported) {
			if done.Next >= 20 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || first.Next != 21 {
			t.Fatal(first, err)
		}
		done, err := b.ImportAll(t.Context(), all(40), o)
		if want := (storage.Imported{Next: 40, Stored: 36 - first.Stored, Replayed: first.Stored, Refused: 4}); err != nil || done != want || len(told) != 4 {
			t.Errorf("%+v, want %+v; %v: %v", done, want, told, err)
		}
	})
}

// Whatever the batches are, an import that took effect made the customer as it says, once, and one
// that was refused has another import's customer or identity in its way.
func TestImportsInBatches(t *testing.T) {
	dbtest.Each(t, func(whole *testing.T, db dbtest.DB) {
		ctx, round := whole.Context(), 0
		rapid.Check(whole, func(t *rapid.T) {
			round++
			b := open(whole, db.Tenant(fmt.Sprint("round ", round)))
			imports := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) customer.Import {
				c := moving(ids.Member(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "member")))
				c.Key = rapid.SampledFrom([]string{"1", "2"}).Draw(t, "key")
				for _, platform := range rapid.SliceOfNDistinct(rapid.SampledFrom([]customer.Platform{customer.Phone, customer.Mail}), 1, 2, rapid.ID).Draw(t, "kinds") {
					n := rapid.IntRange(1, 6).Draw(t, "number")
					id := fmt.Sprintf("+86138%08d", n)
					if platform == customer.Mail {
						id = fmt.Sprintf("%d@example.com", n)
					}
					c.Identities = append(c.Identities, customer.Linked{Identity: customer.Identity{Platform: platform, ID: id}, Way: "import"})
				}
				return c
			}), 0, 20).Draw(t, "imports")
			refused := map[int]error{}
			o := &storage.ImportOptions[customer.Import]{
				Batch: rapid.IntRange(1, 9).Draw(t, "batch"), Workers: rapid.IntRange(1, 3).Draw(t, "workers"),
				Refused: func(n int, _ customer.Import, err error) { refused[n] = err },
			}
			done, err := b.ImportAll(ctx, func(yield func(customer.Import, error) bool) {
				for _, c := range imports {
					if !yield(c, nil) {
						return
					}
				}
			}, o)
			if err != nil || done.Next != len(imports) || done.Refused != len(refused) {
				t.Fatal(done, refused, err)
			}
			members := map[ids.Member]bool{}
			for i, c := range imports {
				switch err := refused[i]; {
				case err == nil:
					got, err := b.Get(ctx, c.Member)
					if err != nil || got.Version != 1 || len(got.Identities) != len(c.Identities) {
						t.Fatalf("%+v became %+v, %v", c, got, err)
					}
					for _, l := range c.Identities {
						if who, err := b.Find(ctx, l.Identity); err != nil || who != c.Member {
							t.Fatalf("%v of %s is %s's: %v", l.Identity, c.Member, who, err)
						}
					}
					members[c.Member] = true
				case errors.Is(err, customer.ErrMember), errors.Is(err, journal.ErrKeyReused):
					if _, err := b.Get(ctx, c.Member); err != nil {
						t.Fatalf("import %d is refused with %v, and %s: %v", i, refused[i], c.Member, err)
					}
				case !errors.Is(err, customer.ErrTaken) || !slices.ContainsFunc(c.Identities, func(l customer.Linked) bool {
					who, err := b.Find(ctx, l.Identity)
					return err == nil && who != c.Member
				}):
					t.Fatalf("import %d, %+v, is refused: %v", i, c, err)
				}
			}
			if len(members) != done.Stored {
				t.Fatalf("%d customers, of %+v", len(members), done)
			}
		})
	})
}

// Customers come from another system with the numbers that it had verified, under the ids that their
// points have.
func ExampleEngine_ImportAll() {
	ctx := context.Background()
	customers, err := customer.New(memory.New(), nil, &customer.Options{PlainText: true})
	if err != nil {
		log.Fatal(err)
	}
	phone := customer.Identity{Platform: customer.Phone, ID: "+8613800138000"}
	alice := customer.Import{
		Member: "alice", Identities: []customer.Linked{{Identity: phone, Way: "import"}}, Profile: customer.Profile{Nickname: "小爱"}, Key: "move-in",
	}
	done, err := customers.ImportAll(ctx, func(yield func(customer.Import, error) bool) { yield(alice, nil) }, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Stored, "customer")

	again, err := customers.Import(ctx, alice)
	if err != nil {
		log.Fatal(err)
	}
	in, err := customers.SignIn(ctx, customer.SignIn{Identity: phone, Way: "sms"})
	fmt.Println("replayed:", again.Replayed, in.Member, in.New, err)
	// Output:
	// 1 customer
	// replayed: true alice false <nil>
}
