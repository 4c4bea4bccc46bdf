package engine

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Command is an operation that Do runs by itself.
type Command struct {
	Name    string       // of the operation, and the kind of its entry: "shop.put"
	Check   func() error // refuses what can't be, before anything is loaded
	Subject string       // of the journal's entry; "": it is not known yet
	Private bool         // the subject could hold a secret: hooks are not told
	Key, By string
	Input   any   // what the key stands for
	Others  []any // the input as it was told under other keys of the engine
}

// subject is what hooks are told.
func (c Command) subject() string {
	if c.Private {
		return ""
	}
	return c.Subject
}

// A Try is one attempt at a command with results V.
type Try[V any] struct {
	Now      time.Time // the same for every attempt
	Replayed bool      // the command had been run before, and its first result is returned

	command Command
}

// Attempt returns a first attempt at a command, for who runs many commands in one write.
func Attempt[V any](c Command, now time.Time) *Try[V] { return &Try[V]{Now: now, command: c} }

// Do runs a command: it calls try, which loads, decides and saves, and again where another change
// came first. It returns what try returned last, and whether that is the result of before. Errors:
// those of Check and of try, and journal.ErrConflict, after the name of the command.
func Do[V any](
	ctx context.Context, f Frame, c Command, try func(ctx context.Context, t *Try[V]) (V, error),
) (v V, replayed bool, err error) {
	ctx, call := f.Begin(ctx, c.Name, c.subject())
	defer call.End(&err)
	if err = c.Check(); err == nil {
		now := f.Now()
		err = combine.Retry(ctx, func() (err error) {
			t := Attempt[V](c, now)
			v, err = try(ctx, t)
			call.Attempts, call.Replayed = call.Attempts+1, t.Replayed && err == nil
			return err
		})
	}
	if err != nil {
		var none V
		return none, false, fmt.Errorf("%s: %w", c.Name, err)
	}
	return v, call.Replayed, nil
}

// Replay returns the result of the entry that the journal has of the key. ErrKeyReused: it is of
// another input.
func (t *Try[V]) Replay(e *journal.Entry) (v V, err error) {
	t.Replayed = true
	input := t.input()
	for _, other := range t.command.Others {
		if hash := journal.Hash(t.command.Name, other); bytes.Equal(hash, e.Input) {
			input = hash
		}
	}
	err = e.Replay(input, &v)
	return v, err
}

// Entry returns what the journal tells of the command, without Before.
func (t *Try[V]) Entry(seq int64, result V) journal.Entry {
	c := t.command
	return journal.Entry{Subject: c.Subject, Seq: seq, Key: c.Key, Kind: c.Name, At: t.Now, By: c.By, Input: t.input(), Result: journal.JSON(result)}
}

func (t *Try[V]) input() []byte { return journal.Hash(t.command.Name, t.command.Input) }

// Find returns the entry that has a key, of those that were stored before and those that a change
// adds; nil: there is none.
func Find(key string, all ...[]journal.Entry) *journal.Entry {
	for _, entries := range all {
		if i := slices.IndexFunc(entries, func(e journal.Entry) bool { return e.Key == key }); i >= 0 {
			return &entries[i]
		}
	}
	return nil
}

// Failed returns a sequence of an error alone.
func Failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
