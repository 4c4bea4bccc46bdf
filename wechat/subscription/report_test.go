package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

func TestReports(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		report := subscription.Report{OpenID: "oAlice", Template: full, Key: "popup-1"}
		b.Accept(appID, alice, full)
		for range 2 {
			if got, err := b.Report(t.Context(), report); err != nil || got.Left != 1 {
				t.Fatal(got, err)
			}
			b.pass(time.Minute)
		}
		b.deliver()
		b.has(alice, 1, 0)
		b.pass(time.Hour)
		if got, err := b.Report(t.Context(), report); err != nil || got.Left != 1 { // the first result
			t.Fatal(got, err)
		}
		report.Key = "popup-2"
		for _, commit := range []bool{false, true} {
			rolledBack := errors.New("rolled back")
			err := b.db.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
				got, err := b.In(tx).Report(ctx, report)
				if err == nil && got.Left != 2 {
					t.Error(got)
				}
				if err == nil && !commit {
					return rolledBack
				}
				return err
			})
			if err != nil && err != rolledBack {
				t.Fatal(err)
			}
			b.has(alice, map[bool]int64{false: 1, true: 2}[commit], 0)
		}
		b.pass(time.Second)
		b.Decline(appID, alice, full)
		b.deliver()
		b.has(alice, 2, 0)
		b.TurnOff(appID, alice, full)
		b.deliver()
		b.has(alice, 0, 0)
		for _, bad := range []subscription.Report{{Template: full, Key: "a"}, {OpenID: "o", Key: "a"}, {OpenID: "o", Template: full}, {OpenID: "o", Template: full, Key: "~event-a"}} {
			_, err := b.Report(t.Context(), bad)
			isError(t, fmt.Sprintf("%+v", bad), err, errs.Invalid)
		}
		report.Template = "other"
		_, err := b.Report(t.Context(), report)
		isError(t, "another template", err, subscription.ErrUnknownTemplate)
	})
}

// A report that nobody accepted costs one refusal.
func TestAReportThatIsMadeUp(t *testing.T) {
	b := open(t, memory.New())
	for i := range 10 {
		if _, err := b.Report(t.Context(), subscription.Report{OpenID: "oAlice", Template: full, Key: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Hour)
	}
	b.has(alice, 10, 0)
	_, err := b.Send(t.Context(), message(alice, "a"))
	isError(t, "what WeChat knows nothing of", err, wechat.ErrRefused)
	_, err = b.Send(t.Context(), message(alice, "a"))
	isError(t, "after that", err, subscription.ErrNoConsent)
	b.asked(1)
}
