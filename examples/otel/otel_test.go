package otel_test

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/scrmkit/scrmkit/examples/otel"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestHook(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(spans)).Tracer("scrmkit")
	cards := stamps.New(memory.New(), &stamps.Options{Hook: otel.Hook(tracer)})

	ctx, parent := tracer.Start(t.Context(), "checkout")
	publish(ctx, t, cards)
	card := stamps.CardID{Program: "coffee", Member: "alice"}
	if _, err := cards.Add(ctx, stamps.Add{Card: card, Key: "order-1"}); err != nil {
		t.Fatal(err)
	}
	_, err := cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: card, N: 7}, Key: "till-1"})
	if !errors.Is(err, stamps.ErrUnknownCoupon) {
		t.Fatalf("redeem of a coupon that is not there: %v", err)
	}
	parent.End()

	want := []struct {
		name   string
		status trace.Status
		events int
	}{
		{"stamps.publish", trace.Status{}, 0},
		{"stamps.add", trace.Status{}, 0},
		{"stamps.redeem", trace.Status{Code: codes.Error, Description: err.Error()}, 1},
	}
	ended := spans.Ended()
	if len(ended) != len(want)+1 {
		t.Fatalf("%d spans, want %d", len(ended), len(want)+1)
	}
	for i, w := range want {
		s := ended[i]
		if s.Name() != w.name || s.Status() != w.status || len(s.Events()) != w.events {
			t.Errorf("span %d is %s, %v, with %d events; want %v", i, s.Name(), s.Status(), len(s.Events()), w)
		}
		if s.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("span %s is not a child of the caller's", s.Name())
		}
	}
}

func publish(ctx context.Context, t *testing.T, cards *stamps.Engine) {
	t.Helper()
	_, err := cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size:    10,
			Rewards: []stamps.Reward{{ID: "coffee", Name: "A free coffee", At: 10}},
			Earn:    stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
