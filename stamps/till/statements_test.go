package till_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/till"
)

// Each statement is a round trip: BEGIN and COMMIT would be two of those.
func TestStatements(t *testing.T) {
	store, tr := dbtest.Traced(t)
	s := open(t, store)
	var codes [40]string
	n := 0
	member := func(i int) till.Request {
		d := stampIt
		d.Member = ids.Member(fmt.Sprint("m", i))
		return d
	}
	enter := till.Enter{Shop: "wangjing", Manager: "kathy"}
	var seen till.Preview
	for _, c := range []struct {
		name string
		want int
		run  func() error
	}{
		{"Ask", 2, func() error { // load of code and card, save of the code; the shop is known
			n++
			issued, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: member(n), Key: fmt.Sprint(n)})
			codes[n] = issued.Code
			return err
		}},
		{"Enter", 2, func() error { // load of the code, with shop and manager, save of all; the card is known
			x := enter
			x.Code, x.Key = codes[n], fmt.Sprint(n)
			n--
			_, err := s.till.Enter(ctx, x)
			return err
		}},
		{"Ask to preview", 2, func() error {
			n++
			issued, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: member(n), Key: fmt.Sprint("again", n)})
			codes[n] = issued.Code
			return err
		}},
		{"Preview", 4, func() error { // shop and manager, load and save of the code, load of the card
			x := enter
			x.Code, x.Key = codes[n], fmt.Sprint("p", n)
			n--
			var err error
			seen, err = s.till.Preview(ctx, x)
			return err
		}},
	} {
		var sent []string
		for i := range 10 { // some of them read the program or the shop again, which a while ago was read
			now := tr.During(func() {
				if err := c.run(); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
			})
			if i == 0 || len(now) < len(sent) {
				sent = now
			}
		}
		if len(sent) != c.want {
			t.Errorf("%s takes %d statements, want %d:\n%s", c.name, len(sent), c.want, strings.Join(sent, "\n"))
		}
	}
	sent := tr.During(func() {
		if _, err := s.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: seen.Claim}); err != nil {
			t.Fatal(err)
		}
	})
	if len(sent) != 2 { // shop and manager, save of card and code; the card is known since Ask
		t.Errorf("Confirm takes %d statements, want 2:\n%s", len(sent), strings.Join(sent, "\n"))
	}
}
