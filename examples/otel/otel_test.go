package otel_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/scrmkit/scrmkit/examples/otel"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestHook(t *testing.T) {
	spans, reader := tracetest.NewSpanRecorder(), metric.NewManualReader()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(spans)).Tracer("scrmkit")
	hook, err := otel.Hook(tracer, metric.NewMeterProvider(metric.WithReader(reader)).Meter("scrmkit"))
	if err != nil {
		t.Fatal(err)
	}
	cards := stamps.New(memory.New().Tenant("cafe"), &stamps.Options{Hook: hook})

	ctx, parent := tracer.Start(t.Context(), "checkout")
	publish(ctx, t, cards)
	card := stamps.CardID{Program: "coffee", Member: "alice"}
	for range 2 {
		if _, err := cards.Add(ctx, stamps.Add{Card: card, Key: "order-1"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: card, N: 7}, Key: "till-1"})
	if !errors.Is(err, stamps.ErrUnknownCoupon) {
		t.Fatalf("redeem of a coupon that is not there: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, failed := cards.Add(gone, stamps.Add{Card: card, Key: "order-2"})
	if failed == nil {
		t.Fatal("an operation whose context has ended")
	}
	parent.End()

	want := []struct {
		name, subject, outcome string
		status                 trace.Status
	}{
		{"stamps.publish", "", "done", trace.Status{}},
		{"stamps.add", "stamps/coffee/alice", "done", trace.Status{}},
		{"stamps.add", "stamps/coffee/alice", "replayed", trace.Status{}},
		{"stamps.redeem", "stamps/coffee/alice", "refused", trace.Status{}},
		{"stamps.add", "stamps/coffee/alice", "failed", trace.Status{Code: codes.Error, Description: failed.Error()}},
	}
	ended := spans.Ended()
	if len(ended) != len(want)+1 {
		t.Fatalf("%d spans, want %d", len(ended), len(want)+1)
	}
	counts := map[[2]string]int64{}
	for i, w := range want {
		counts[[2]string{w.name, w.outcome}]++
		s, has := ended[i], map[attribute.Key]string{}
		for _, a := range ended[i].Attributes() {
			has[a.Key] = a.Value.String()
		}
		if s.Name() != w.name || s.Status() != w.status ||
			has["scrmkit.tenant"] != "cafe" || has["scrmkit.subject"] != w.subject || has["scrmkit.outcome"] != w.outcome {
			t.Errorf("span %d is %s, %v, with %v; want %v", i, s.Name(), s.Status(), has, w)
		}
		if s.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("span %s is not a child of the caller's", s.Name())
		}
	}

	var found metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &found); err != nil {
		t.Fatal(err)
	}
	named := func(set attribute.Set) [2]string {
		name, _ := set.Value("scrmkit.operation")
		outcome, _ := set.Value("scrmkit.outcome")
		return [2]string{name.AsString(), outcome.AsString()}
	}
	counted, timed := map[[2]string]int64{}, map[[2]string]int64{}
	for _, m := range found.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				counted[named(p.Attributes)] = p.Value
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				timed[named(p.Attributes)] = int64(p.Count)
			}
		}
	}
	if !maps.Equal(counted, counts) || !maps.Equal(timed, counts) {
		t.Errorf("counted %v, timed %v; want %v", counted, timed, counts)
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
