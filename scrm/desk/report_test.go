package desk_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// told reports an event of an account that was at a time.
func (s scene) told(access activation.Access, id, account, contact string, at time.Time) (desk.Answer, error) {
	r := report(access, id, account, contact)
	r.Event.At = at
	return s.Report(ctx, r)
}

func (s scene) total(c activation.Issued) lead.Figures {
	return must(s.Leads.Summary(ctx, lead.JobID{Code: c.ID, Platform: "whatsapp"})).Total
}

func TestReports(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("of before the account was linked take nothing from a colleague", func(t *testing.T) {
			s := open(db.Tenant("before"))
			honest, leaked := s.make("a", "whatsapp"), s.make("b", "whatsapp")
			must(s.told(s.sign(honest, "whatsapp", "x"), "1", "x", "ann", noon))
			s.pass(time.Hour)
			thief := s.sign(leaked, "whatsapp", "y")
			linked := noon.Add(time.Hour)
			for i, at := range []time.Time{
				time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), linked.AddDate(0, 0, -30), linked.Add(-2 * time.Hour),
				linked.Add(-activation.Early - time.Microsecond),
			} {
				out, err := s.told(thief, string(rune('a'+i)), "y", "ann", at)
				if err != nil || out.Verdict != lead.Excluded || !slices.Equal(out.Reasons, []lead.Reason{lead.Unbound}) {
					t.Fatal(at, out, err)
				}
			}
			if got := s.total(honest); got.New != 1 || got.Duplicate != 0 {
				t.Fatalf("%+v", got)
			}
			if got := s.total(leaked); got != (lead.Figures{}) {
				t.Fatalf("%+v", got)
			}
			if out := must(s.told(thief, "z", "y", "ann", linked)); out.Verdict != lead.Duplicate {
				t.Fatal(out)
			}
			s.pass(time.Hour)
			out, err := s.Leads.Observe(ctx, lead.Observe{
				Contact: []lead.Identity{{Platform: "whatsapp", ID: "ann"}}, Job: lead.JobID{Code: leaked.ID, Platform: "whatsapp"},
				Event: lead.Event{ID: "admin", Account: "z", At: noon.AddDate(0, 0, -30), Kind: lead.Inbound}, By: "admin",
			})
			if err != nil || out.Verdict != lead.NewLead || s.total(honest).New != 0 {
				t.Fatal("what an administrator tells counts whenever it was:", out, err)
			}
		})
		t.Run("of before the account was linked make no contacts one", func(t *testing.T) {
			s := open(db.Tenant("names"))
			c := s.make("a", "whatsapp")
			access := s.sign(c, "whatsapp", "x")
			must(s.told(access, "1", "x", "ann", noon))
			must(s.told(s.sign(c, "whatsapp", "y"), "2", "y", "bob", noon))
			access = s.sign(c, "whatsapp", "z")
			r := report(access, "3", "z", "ann")
			r.Contact = append(r.Contact, lead.Identity{Platform: "whatsapp", ID: "bob"})
			r.Event.At = noon.AddDate(0, 0, -1)
			if out, err := s.Report(ctx, r); err != nil || out.Verdict != lead.Excluded {
				t.Fatal(out, err)
			}
			if got := s.total(c); got.New != 2 {
				t.Fatalf("%+v", got)
			}
		})
		for name, leave := range map[string]func(s scene, c activation.Leave) error{
			"banned": func(s scene, c activation.Leave) error { _, err := s.Codes.Ban(ctx, c); return err },
			"closed": func(s scene, c activation.Leave) error { _, err := s.Codes.Close(ctx, c); return err },
			"left":   func(s scene, c activation.Leave) error { _, err := s.Codes.Logout(ctx, c); return err },
			"taken by another code": func(s scene, c activation.Leave) error {
				_, err := s.Codes.Logout(ctx, c)
				s.sign(s.make("other", "whatsapp"), "whatsapp", "x")
				return err
			},
		} {
			t.Run("of an account that is "+name+" count where they were before", func(t *testing.T) {
				s := open(db.Tenant(name))
				c := s.make("a", "whatsapp")
				access := s.sign(c, "whatsapp", "x")
				s.pass(time.Hour)
				if err := leave(s, activation.Leave{Port: activation.PortID{Code: c.ID, N: 2}, Key: "leave"}); err != nil {
					t.Fatal(err)
				}
				s.pass(time.Hour)
				if out, err := s.told(access, "1", "x", "ann", noon.Add(time.Hour-time.Microsecond)); err != nil || out.Verdict != lead.NewLead {
					t.Fatal(out, err)
				}
				out, err := s.told(access, "2", "x", "bob", noon.Add(time.Hour))
				if name == "left" && (err != nil || out.Verdict != lead.Excluded) || name != "left" && !errors.Is(err, desk.ErrAccount) {
					t.Fatal(out, err)
				}
			})
		}
		t.Run("of the night count when the account is back, as it was", func(t *testing.T) {
			s := open(db.Tenant("night"))
			c := s.make("a", "whatsapp")
			access := s.sign(c, "whatsapp", "x")
			must(s.Codes.SignOut(ctx, activation.SignOut{Session: access.ID(), Key: "out"}))
			s.pass(12 * time.Hour)
			night := noon.Add(6 * time.Hour)
			access = must(s.Codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: "pc"}))
			if out, err := s.told(access, "1", "x", "ann", night); err != nil || out.Verdict != lead.Excluded {
				t.Fatal(out, err)
			}
			must(s.Codes.Link(ctx, activation.Link{Session: access.ID(), Port: 2, Account: "x", Key: "back"}))
			if out, err := s.told(access, "1", "x", "ann", night); err != nil || out.Verdict != lead.NewLead {
				t.Fatal(out, err)
			}
		})
		t.Run("of accounts that the code never had are refused", func(t *testing.T) {
			s := open(db.Tenant("never"))
			access := s.sign(s.make("a", "whatsapp", "line"), "whatsapp", "x")
			s.sign(s.make("b", "whatsapp"), "whatsapp", "y")
			for _, account := range []string{"y", "z"} {
				_, err := s.told(access, "1", account, "ann", noon)
				isError(t, err, desk.ErrAccount)
			}
			r := report(access, "1", "x", "ann")
			r.Platform, r.Contact[0].Platform = "line", "line"
			_, err := s.Report(ctx, r)
			isError(t, err, desk.ErrAccount)
			r.Event.Account = ""
			var bad *errs.InputError
			if _, err := s.Report(ctx, r); !errors.As(err, &bad) {
				t.Fatal(err)
			}
		})
	})
}
