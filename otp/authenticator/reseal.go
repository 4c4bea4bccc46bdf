package authenticator

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
)

// Reseal seals up to limit secrets of the tenant, 1 to 1000, with the first key that another key
// sealed, and returns how many those were: 0 where none is left. Call it until then once every
// process has the new key first; it may stop anywhere and go on later, and run beside anything
// else. An error beside those of the database: a secret can't be opened, of the subject that the
// error names.
func (e *Engine) Reseal(ctx context.Context, limit int) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, "authenticator.reseal", "")
	defer call.End(&err)
	err = valid.Between("limit", int64(limit), 1, 1000)
	if err == nil {
		err = combine.Retry(ctx, func() (err error) {
			call.Attempts++
			n, err = e.reseal(ctx, limit)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("authenticator.reseal: %w", err)
	}
	return n, nil
}

// reseal is one attempt at Reseal. journal.ErrConflict: a subject was changed meanwhile.
func (e *Engine) reseal(ctx context.Context, limit int) (int, error) {
	stale, err := e.stale(ctx, limit)
	if err != nil || len(stale) == 0 {
		return 0, err
	}
	names := slices.Sorted(maps.Keys(stale))
	holders, looks := make([]holder, len(names)), make([]storage.Look, len(names))
	for i, s := range names {
		holders[i] = newHolder(s)
		looks[i].Reads = holders[i].reads(stale[s]...)
	}
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return 0, err
	}
	n, changes := 0, make([]storage.Change, len(names))
	for i := range holders {
		h := &holders[i]
		for _, u := range stale[h.Subject] {
			n++
			if len(h.secret(u).Sealed) == 0 {
				continue // it was dropped meanwhile
			}
			var v json.RawMessage
			if err := e.open(h, u, &v); err != nil {
				return 0, err
			}
			e.seal(h, u, v)
		}
		changes[i].Rows = h.rows()
	}
	failed, err := e.frame.Store.Save(ctx, changes)
	if err != nil {
		return 0, err
	}
	for _, err := range failed {
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// stale returns up to limit secrets that other keys than the first have sealed, by their subjects.
func (e *Engine) stale(ctx context.Context, limit int) (map[Subject][]use, error) {
	found := map[Subject][]use{}
	for _, k := range e.keys[1:] {
		for row, err := range storage.List(ctx, e.frame.Store, secretsByKey, storage.Range{Prefix: []any{k.ID}, Limit: limit}) {
			if err != nil {
				return nil, err
			}
			found[row.Subject] = append(found[row.Subject], row.Use)
			limit--
		}
		if limit == 0 {
			break
		}
	}
	return found, nil
}
