package delivery_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/message/sms"
	"github.com/scrmkit/scrmkit/secret"
)

// Wherever processes that send and deliver are killed, the vendor gets no message twice. A message
// that was asked for is handed over; but for one that was under way, of which a receipt tells.
func TestProcessesAreKilled(t *testing.T) {
	const rounds, each = 12, 3
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		e, err := delivery.New(l.DB, []secret.Key{key("a")}, &delivery.Options{Now: l.Now})
		if err != nil {
			t.Fatal(err)
		}
		vendor, err := sms.NewAliyun(sms.Aliyun{
			KeyID: "id", KeySecret: "secret", Signature: "咖啡", Texts: []sms.Text{{Template: "code", ID: "SMS_1", Vars: []string{"code"}}},
		}, &sms.Options{Base: l.URL})
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range l.Args {
			sent, err := e.Send(ctx, delivery.Send{Address: delivery.Address(number), Purpose: "signin", Template: "code", Key: "request"})
			if err != nil {
				t.Fatal(err)
			}
			l.Say("/asked/" + sent.Ref)
		}
		if _, err := e.Deliver(ctx, vendor); err != nil {
			t.Fatal(err)
		}
		l.Say("/delivered")
	}, func(t *testing.T, w *dbtest.World) {
		b := open(t, w.DB)
		w.Now = b.clock
		got, asked := map[string]int{}, map[string]bool{}
		w.Server = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch what, of, _ := strings.Cut(r.URL.Path[1:], "/"); what {
			case "asked":
				asked[of] = true
			case "delivered":
				for ref := range asked {
					if s := b.state(ref); s == delivery.StatePending {
						t.Errorf("%s is left behind", ref)
					}
				}
			default:
				ref := r.URL.Query().Get("OutId")
				if got[ref]++; got[ref] > 1 {
					t.Errorf("%s is handed over again", ref)
				}
				_, _ = io.WriteString(rw, `{"Code":"OK","BizId":"`+ref+`"}`)
			}
		})
		var all []string
		for round := range rounds {
			for i := range each {
				all = append(all, fmt.Sprintf("+86139%04d%04d", round, i))
			}
			w.Live(12*each, all[max(0, len(all)-2*each):]...)
			b.wait(30 * time.Second)
		}
		b.wait(delivery.Lease)
		w.Live(0)
		never, unknown := 0, 0
		for ref := range asked {
			switch s := b.state(ref); {
			case s == delivery.StateUnknown && got[ref] == 0:
				never++
			case s == delivery.StateUnknown:
				unknown++
				if err := b.engine.Receive(ctx, message.Receipt{Ref: ref, Delivered: true}); err != nil || b.state(ref) != delivery.StateDelivered {
					t.Error(err, b.state(ref))
				}
			case s != delivery.StateSent || got[ref] != 1:
				t.Errorf("%s is %s, and was handed over %d times", ref, s, got[ref])
			}
		}
		t.Logf("%d of %d processes were killed; of %d messages %d were handed over without a word, and %d never", w.Deaths, rounds+1, len(asked), unknown, never)
		if w.Deaths == 0 || unknown+never > w.Deaths {
			t.Error("no process was killed, or too many messages are unknown")
		}
	})
}
