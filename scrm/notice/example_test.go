package notice_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// printer is a Sender for a laptop.
type printer struct{}

func (printer) Send(_ context.Context, n notice.Notice) (string, error) {
	fmt.Println(n.Member, n.Kind, string(n.Content))
	return "", nil
}

// What a transaction does, it can tell somebody of: the notice is there if the change is.
func Example() {
	ctx, db := context.Background(), memory.New()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	notices := notice.New(db, &notice.Options{Now: func() time.Time { return now }})
	err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := notices.In(tx).Post(ctx, notice.Notice{
			Member: "alice", Key: "order-1", Kind: "order.paid", Content: json.RawMessage(`{"order": 1}`), Until: now.Add(time.Hour),
		})
		return err
	})
	fmt.Println(err)
	for range 2 { // a worker does this, each second
		n, err := notices.Deliver(ctx, printer{})
		fmt.Println(n, err)
	}
	for s := range notices.Of(ctx, "alice") {
		fmt.Println(s.Key, s.State)
	}
	n, err := notices.Prune(ctx, now) // a job does this, each day
	fmt.Println(n, err)
	// Output:
	// <nil>
	// alice order.paid {"order": 1}
	// 1 <nil>
	// 0 <nil>
	// order-1 sent
	// 0 <nil>
}
