package callback_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// Wherever processes that take pushes are killed, what the handler stores is stored once for each
// push, and is there once WeChat is told so.
func TestProcessesAreKilled(t *testing.T) {
	const rounds, each = 12, 3
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		receiver, err := callback.New(l.DB, appID, []callback.Secret{{Token: token, AESKey: key}},
			func(ctx context.Context, tx storage.Tx, p callback.Push) ([]byte, error) {
				e := journal.Entry{Subject: "push/" + p.Field("MsgId") + "/" + rand.Text(), Seq: 1, Kind: "test.push", At: p.At}
				failed, err := tx.Save(ctx, []storage.Change{{Entries: []journal.Entry{e}}})
				return nil, errors.Join(append(failed, err)...)
			}, &callback.Options{Now: l.Now})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(receiver)
		defer server.Close()
		l.Say("/serves/" + strings.TrimPrefix(server.URL, "http://"))
	}, func(t *testing.T, w *dbtest.World) {
		b := open(t, w.DB)
		w.Now = b.now
		var pushed, taken []int
		count := func() map[string]int {
			n := map[string]int{}
			for e, err := range w.DB.Journal().After(t.Context(), "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				n[strings.Split(e.Subject, "/")[1]]++
			}
			return n
		}
		w.Server = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			p := wechattest.Pusher{URL: "http://" + strings.TrimPrefix(r.URL.Path, "/serves/"), Token: token, AESKey: key, Receiver: appID, Now: b.now}
			for _, id := range pushed[max(0, len(pushed)-2*each):] {
				if status, _, err := p.Push(text(id, "hi")); err == nil && status == http.StatusOK {
					taken = append(taken, id)
				}
			}
		})
		for round := range rounds {
			for i := range each {
				pushed = append(pushed, round*each+i)
			}
			w.Live(5 * each)
			stored := count()
			for _, id := range taken {
				if stored[fmt.Sprint(id)] != 1 {
					t.Fatalf("push %d was taken, and is stored %d times", id, stored[fmt.Sprint(id)])
				}
			}
		}
		w.Live(0)
		for id, n := range count() {
			if n != 1 {
				t.Errorf("push %s is stored %d times", id, n)
			}
		}
		if t.Logf("%d of %d processes were killed", w.Deaths, rounds+1); w.Deaths == 0 {
			t.Error("none was killed")
		}
	})
}
