package notice_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/storage"
)

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[*notice.Engine]{
		New: func(_ *testing.T, db dbtest.DB) *notice.Engine {
			return notice.New(db, &notice.Options{Now: func() time.Time { return noon }})
		},
		In: (*notice.Engine).In,
		Story: func(ctx context.Context, e *notice.Engine, see func(any, error)) {
			for range 2 {
				see(e.Post(ctx, about("alice", "a", noon.Add(time.Hour)), about("bob", "a", noon.Add(time.Hour)), about("bob", "over", noon)))
			}
			see(e.Post(ctx, about("alice", "two words", noon.Add(time.Hour))))
			see(storage.Collect(e.Of(ctx, "alice")))
			see(storage.Collect(e.Of(ctx, "")))
			see(e.Prune(ctx, noon.Add(time.Hour)))
		},
	})
}
