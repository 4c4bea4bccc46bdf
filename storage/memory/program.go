package memory

import (
	"context"
	"encoding/json"
	"fmt"
)

// program reads a version of a program, or the newest for version 0; unknown where there is none.
func (u unit) program(ctx context.Context, k programKey, definition any, unknown error) error {
	return u.do(ctx, func(t *tables) error {
		if k.version == 0 {
			k.version = t.newest[k]
		}
		text, ok := t.programs[k]
		if !ok {
			return unknown
		}
		return json.Unmarshal(text, definition)
	})
}

// publish stores the version of a program that follows the newest; published where it does not.
func (u unit) publish(ctx context.Context, k programKey, definition any, published error) error {
	text, err := json.Marshal(definition)
	if err != nil {
		return fmt.Errorf("memory: publish %s: %w", k.id, err)
	}
	return u.do(ctx, func(t *tables) error {
		newest := programKey{kind: k.kind, id: k.id}
		if k.version != t.newest[newest]+1 {
			return published
		}
		put(t, t.programs, k, json.RawMessage(text))
		put(t, t.newest, newest, k.version)
		return nil
	})
}
