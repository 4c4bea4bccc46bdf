// Package otel traces and counts what engines and flows do with OpenTelemetry: each operation is a
// span with the operation's name, is counted by its outcome, and is timed.
//
//	hook, err := otel.Hook(tracers.Tracer("scrmkit"), meters.Meter("scrmkit"))
//	cards := stamps.New(db, &stamps.Options{Hook: hook})
package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/scrmkit/scrmkit/storage"
)

// Hook returns the Hook of the Options of engines and flows. The span of an operation that failed
// has the status Error; one that was refused has not, for that is an answer. Tenants and subjects
// are attributes of spans alone: metrics would have a series for each. It returns an error if the
// meter does not make its instruments.
func Hook(tracer trace.Tracer, meter metric.Meter) (storage.Hook, error) {
	operations, err := meter.Int64Counter("scrmkit.operations", metric.WithDescription("Operations by name and outcome."))
	if err != nil {
		return nil, err
	}
	durations, err := meter.Float64Histogram("scrmkit.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("How long operations took, by name and outcome."))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		begun := time.Now()
		ctx, span := tracer.Start(ctx, op.Name, trace.WithAttributes(
			attribute.String("scrmkit.tenant", op.Tenant), attribute.String("scrmkit.subject", op.Subject)))
		return ctx, func(err error) {
			outcome := attribute.String("scrmkit.outcome", op.Outcome(err))
			by := metric.WithAttributes(attribute.String("scrmkit.operation", op.Name), outcome)
			operations.Add(ctx, 1, by)
			durations.Record(ctx, time.Since(begun).Seconds(), by)
			span.SetAttributes(outcome, attribute.Int("scrmkit.attempts", op.Attempts))
			if err != nil {
				span.RecordError(err)
			}
			if outcome.Value.AsString() == "failed" {
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	}, nil
}
