// Package otel traces the engines with OpenTelemetry: each operation is a span with the operation's
// name.
//
//	cards := stamps.New(db, &stamps.Options{Hook: otel.Hook(provider.Tracer("scrmkit"))})
package otel

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/scrmkit/scrmkit/storage"
)

// Hook returns the Hook of an engine's Options. The span of an operation that fails has the status
// Error.
func Hook(tracer trace.Tracer) storage.Hook {
	return func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		ctx, span := tracer.Start(ctx, op.Name)
		return ctx, func(err error) {
			if err != nil {
				span.RecordError(err)
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	}
}
