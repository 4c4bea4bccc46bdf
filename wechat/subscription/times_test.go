package subscription_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat/callback"
)

// A time that has no text is refused in an event, before anything is hashed.
func TestTimesThatNoEventMayHave(t *testing.T) {
	b := open(t, memory.New())
	var event callback.Push
	receiver, err := callback.New(b.db, appID, []callback.Secret{console}, func(_ context.Context, _ storage.Tx, p callback.Push) ([]byte, error) {
		event = p
		return nil, nil
	}, &callback.Options{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	b.Accept(appID, alice, full)
	b.pass(time.Second)
	b.push(receiver, b.Pushes(appID)[0])
	timetest.Refuses(t, event, func(p callback.Push) error { return b.Observe(t.Context(), p) }, timetest.Records(t, b.db.Journal()))
}
