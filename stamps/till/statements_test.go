package till_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// A tracer keeps what is sent to the server.
type tracer struct {
	mu   sync.Mutex
	sent []string
}

func (tr *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.sent = append(tr.sent, q.SQL)
	return ctx
}

func (tr *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// during returns what fn sent.
func (tr *tracer) during(fn func()) []string {
	tr.mu.Lock()
	tr.sent = nil
	tr.mu.Unlock()
	fn()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.sent
}

// Each statement is a round trip: BEGIN and COMMIT would be two of those.
func TestStatements(t *testing.T) {
	config, err := pgx.ParseConfig(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	tr := &tracer{}
	config.Tracer = tr
	db := bun.NewDB(stdlib.OpenDB(*config), pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	if err := bunstore.Migrate(ctx, db, stamps.Tables, shop.Tables, otp.Tables); err != nil {
		t.Fatal(err)
	}
	store, err := bunstore.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dbtest.Of(store))
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
		{"Ask", 2, func() error { // load and save of the code; the shop is known
			n++
			issued, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: member(n), Key: fmt.Sprint(n)})
			codes[n] = issued.Code
			return err
		}},
		{"Enter", 3, func() error { // load of the code, with shop and manager, of the card, save of all
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
			seen, err = s.till.Preview(ctx, x)
			return err
		}},
	} {
		var sent []string
		for i := range 10 { // some of them read the program or the shop again, which a while ago was read
			now := tr.during(func() {
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
	sent := tr.during(func() {
		if _, err := s.till.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: seen.Claim}); err != nil {
			t.Fatal(err)
		}
	})
	if len(sent) != 3 { // shop and manager, load of the card, save of card and code
		t.Errorf("Confirm takes %d statements, want 3:\n%s", len(sent), strings.Join(sent, "\n"))
	}
}
