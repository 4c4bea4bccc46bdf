package desk_test

import (
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

// To an agent, what is another's and what nobody has are the same: one error, with one text.
func TestAgentsLearnNothingOfOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(db.Tenant("others"))
		hers, his := s.make("a", "whatsapp"), s.make("b", "whatsapp")
		kathy, eve := s.sign(hers, "whatsapp", "x"), s.sign(his, "whatsapp", "y")
		s.shop(ticket.Action{Code: hers.ID})
		var all []ticket.ID
		for _, body := range []string{`{"id":1}`, `{"id":2}`, `{"id":3}`, `{"id":4}`} {
			all = append(all, s.push("shop", body))
		}
		s.handle()
		for _, id := range all[1:] {
			must(s.Take(ctx, desk.Order{Token: kathy.Token, Ticket: id, Key: "take"}))
		}
		must(s.Finish(ctx, desk.Order{Token: kathy.Token, Ticket: all[2], Key: "finish"}))
		must(s.HandBack(ctx, desk.Order{Token: kathy.Token, Ticket: all[3], Note: "no", Key: "back"}))
		all = append(all, s.push("shop", `{"id":5}`), ticket.ID{Site: "shop", Event: "none"}, ticket.ID{Site: "none", Event: "1"})

		order := desk.Order{Token: eve.Token, Note: "mine", Key: "of-eve"}
		for name, ask := range map[string]func() error{
			"take":      func() error { _, err := s.Take(ctx, order); return err },
			"hand back": func() error { _, err := s.HandBack(ctx, order); return err },
			"finish":    func() error { _, err := s.Finish(ctx, order); return err },
		} {
			for _, order.Ticket = range all {
				err := ask()
				if want := "desk: " + name + ": ticket." + map[string]string{"take": "take", "hand back": "handBack", "finish": "finish"}[name] +
					": " + ticket.ErrNotYours.Error(); !errors.Is(err, ticket.ErrNotYours) || err.Error() != want {
					t.Errorf("%s: %v", order.Ticket, err)
				}
			}
		}

		var texts []string
		for _, account := range []string{"x", "none"} {
			_, err := s.told(eve, "e", account, "c", noon)
			if !errors.Is(err, desk.ErrAccount) {
				t.Fatal(account, err)
			}
			texts = append(texts, err.Error())
		}
		if texts[0] != texts[1] {
			t.Error(texts)
		}
	})
}
