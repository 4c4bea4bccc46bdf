package tripwire

import (
	"context"
	"errors"
	"testing"
)

func TestTripwire(t *testing.T) {
	a, b, ctx := new(int), new(int), context.Background()
	if Marked(ctx) || Check(ctx, a) != nil {
		t.Error("nothing is marked yet")
	}
	inA := Mark(ctx, a)
	inBoth := Mark(inA, b)
	if !Marked(inA) || !errors.Is(Check(inA, a), ErrOutsideTx) || Check(inA, b) != nil {
		t.Error("a unit of work on a is of a alone")
	}
	if !errors.Is(Check(inBoth, a), ErrOutsideTx) || !errors.Is(Check(inBoth, b), ErrOutsideTx) {
		t.Error("within a unit of work on b that on a goes on")
	}
}
