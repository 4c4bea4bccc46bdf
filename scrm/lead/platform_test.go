package lead_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// What the library takes of a platform's contacts meets what the platform tells of them; what could
// not is refused.
func TestTheLibraryMeetsItsPlatform(t *testing.T) {
	uid := "U" + strings.Repeat("0f", 16)
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for i, c := range []struct {
			platform       ids.Platform
			namespace, row string
			phones         bool
			told           lead.Identity // "": the import is refused
		}{
			{"whatsapp", "", "+86 138 0013 8000", true, lead.Identity{Namespace: lead.WhatsApp, ID: "8613800138000"}},
			{"whatsapp", "", "138 0013 8000", true, lead.Identity{ID: "8613800138000"}},
			{"whatsapp", "", "+55 31 8888 8888", true, lead.Identity{ID: "5531988888888@s.whatsapp.net"}},
			{"whatsapp", "", "+52 1 55 1234 5678", true, lead.Identity{Namespace: lead.WhatsApp, ID: "525512345678"}},
			{"whatsapp", lead.WhatsApp, "+86 138 0013 8000", true, lead.Identity{ID: "+8613800138000"}},
			{"whatsapp", "lid", "+86 138 0013 8000", true, lead.Identity{}},
			{"whatsapp", "mine", "+86 138 0013 8000", true, lead.Identity{}},
			{"whatsapp", "", "8613800138000", false, lead.Identity{Namespace: lead.WhatsApp, ID: "8613800138000"}},
			{"whatsapp", "", "+8613800138000", false, lead.Identity{Namespace: lead.WhatsApp, ID: "8613800138000"}},
			{"whatsapp", "", "8613800138000@s.whatsapp.net", false, lead.Identity{Namespace: lead.WhatsApp, ID: "8613800138000"}},
			{"whatsapp", "", "8613800138000:17@s.whatsapp.net", false, lead.Identity{Namespace: lead.WhatsApp, ID: "8613800138000"}},
			{"whatsapp", lead.WhatsApp, "8613800138000", false, lead.Identity{ID: "8613800138000"}},
			{"whatsapp", "lid", "123456789012345", false, lead.Identity{ID: "123456789012345@lid"}},
			{"whatsapp", "", "123456789012345@lid", false, lead.Identity{Namespace: "lid", ID: "123456789012345"}},
			{"whatsapp", "", "customer-7", false, lead.Identity{ID: "customer-7"}},
			{"whatsapp", "bsuid", "CC.123", false, lead.Identity{Namespace: "bsuid", ID: "CC.123"}},
			{"line", "", "+86 138 0013 8000", true, lead.Identity{}},
			{"line", "", uid, false, lead.Identity{ID: uid}},
			{"line", "provider", uid, false, lead.Identity{Namespace: "provider", ID: uid}},
			{"line", "phone", "+86 138 0013 8000", true, lead.Identity{Namespace: "phone", ID: "+8613800138000"}},
			{"telegram", "", "+86 138 0013 8000", true, lead.Identity{}},
			{"telegram", "", "123456789", false, lead.Identity{ID: "123456789"}},
			{"telegram", "phone", "138 0013 8000", true, lead.Identity{Namespace: "phone", ID: "+8613800138000"}},
			{"zalo", "", "+86 138 0013 8000", true, lead.Identity{}},
			{"messenger", "", "+86 138 0013 8000", true, lead.Identity{}},
			{"instagram", "", "+86 138 0013 8000", true, lead.Identity{}},
			{"sms", "", "138 0013 8000", true, lead.Identity{ID: "+8613800138000"}},
			{"sms", "ours", "138 0013 8000", true, lead.Identity{Namespace: "ours", ID: "+8613800138000"}},
		} {
			e, clock := open(t, db.Tenant(fmt.Sprint("platform", i)))
			job := lead.JobID{Code: "A", Platform: c.platform}
			must[lead.Job](t)(e.Put(ctx, put(func(p *lead.Put) { p.Job, p.Terms.Scope.Library = job, true })))
			what := fmt.Sprintf("%s %q %s, phones %t", c.platform, c.namespace, c.row, c.phones)
			var err error
			for m, rowErr := range e.ImportCSV(ctx, lead.ImportCSV{
				Platform: c.platform, Namespace: c.namespace, Phones: c.phones, Region: "CN", Key: "k",
			}, strings.NewReader(c.row+"\n")) {
				if err = rowErr; err == nil && m.Mark != lead.Added {
					t.Errorf("%s: %+v", what, m)
				}
			}
			var bad *errs.InputError
			if c.told.ID == "" {
				if !errors.As(err, &bad) {
					t.Errorf("%s: error is %v, want an *errs.InputError", what, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			clock.set(at(10))
			c.told.Platform = c.platform
			out, err := e.Observe(ctx, lead.Observe{Contact: []lead.Identity{c.told}, Job: job, Event: inbound("1", "x", 10)})
			if err != nil || out.Verdict != lead.Excluded || out.Reasons[0] != lead.InLibrary {
				t.Errorf("%s: %v is %+v, %v", what, c.told, out, err)
			}
		}
	})
}

func TestDigitsThatMayBeOfALinkedDeviceNeedTheirNamespace(t *testing.T) {
	e, c := open(t, memory.New(), "A")
	c.set(at(100))
	var bad *errs.InputError
	for _, id := range []string{"12345678901234", "123456789012345"} {
		if _, err := e.Observe(ctx, met("A", []lead.Identity{name("", id)}, inbound("1", "x", 1))); !errors.As(err, &bad) || bad.Field != "contact.namespace" {
			t.Errorf("%s: %v", id, err)
		}
		must[lead.Outcome](t)(e.Observe(ctx, met("A", []lead.Identity{name("lid", id)}, inbound("1", "x", 1))))
	}
}

// A contact who comes back is told the same at the account where he was and at any other: in the
// job where he was he is not new, and in another one he is where the scope does not look back so
// far.
func TestLookingBackIsTheSameForEveryAccount(t *testing.T) {
	const day = 24 * 60
	for _, days := range []int{0, 1, 30, 365} {
		for _, gap := range []int{0, 1, 29, 30, 31, 100, 1000} {
			own, other := job("A", lead.Scope{Reach: lead.ReachOwner, Days: days}), job("B", lead.Scope{Reach: lead.ReachOwner, Days: days})
			first := in(own, inbound("1", "x", 0))
			verdict := func(j *lead.Job, account ids.Account) lead.Verdict {
				c := lead.Contact{}
				var d lead.Decision
				for _, s := range []step{first, in(j, inbound("2", account, gap*day+1))} {
					var err error
					if d, err = s.Observe(c, s.Event, at(2000*day)); err != nil {
						t.Fatal(err)
					}
					c = d.Next
				}
				return d.Verdict
			}
			if same, another := verdict(own, "x"), verdict(own, "y"); same == lead.NewLead || another != lead.Duplicate {
				t.Errorf("%d days, back after %d in the job: %s at the same account, %s at another", days, gap, same, another)
			}
			want := lead.Duplicate
			if days > 0 && gap >= days {
				want = lead.NewLead
			}
			if same, another := verdict(other, "x"), verdict(other, "y"); same != want || another != want {
				t.Errorf("%d days, back after %d in another job: %s at the same account, %s at another, want %s", days, gap, same, another, want)
			}
		}
	}
}
