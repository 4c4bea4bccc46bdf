package storagetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
)

func programs(s suite) {
	s.each("that are not there are unknown", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, tx.Stamps().Publish(ctx, definition(1)))
			for _, c := range []struct {
				id      stamps.ProgramID
				version int
			}{{"tea", 0}, {"tea", 1}, {"coffee", 2}, {"Coffee", 1}, {"coffee", -1}} {
				_, err := tx.Stamps().Program(ctx, c.id, c.version)
				isError(s.t, string(c.id), err, stamps.ErrUnknownProgram)
			}
		})
	})
	s.each("are published one version after the other", func(s *scene) {
		second := definition(2)
		second.Name, second.Card, second.Handout, second.Shops = "咖啡 \"2\" \\ {a,b}", nil, nil, nil
		s.do(func(ctx context.Context, tx storage.Tx) {
			isError(s.t, "version 0", tx.Stamps().Publish(ctx, definition(0)), stamps.ErrPublished)
			isError(s.t, "version 2 first", tx.Stamps().Publish(ctx, second), stamps.ErrPublished)
			must(s.t, tx.Stamps().Publish(ctx, definition(1)))
			isError(s.t, "version 1 again", tx.Stamps().Publish(ctx, definition(1)), stamps.ErrPublished)
			isError(s.t, "version 3", tx.Stamps().Publish(ctx, definition(3)), stamps.ErrPublished)
			must(s.t, tx.Stamps().Publish(ctx, second))
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			for version, want := range map[int]stamps.Definition{0: second, 1: definition(1), 2: second} {
				got, err := tx.Stamps().Program(ctx, "coffee", version)
				must(s.t, err)
				equal(s.t, "program", got, want)
			}
		})
	})
	s.once("that many publish at once are published once", func(t *testing.T, d Database) {
		var wg sync.WaitGroup
		var published atomic.Int64
		for range 16 {
			wg.Go(func() {
				err := d.DB.Stamps().Publish(t.Context(), definition(1))
				if err == nil {
					published.Add(1)
				} else {
					isError(t, "publish", err, stamps.ErrPublished)
				}
			})
		}
		wg.Wait()
		equal(t, "published", published.Load(), 1)
	})
}
