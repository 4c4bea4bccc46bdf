// Package journal is the record of what happened: the audit trail (who, what, when,
// before and after), the outbox that a relay reads, and the index that makes every command safe to
// repeat.
//
// An [Entry] is written in the same Save as the change it records, so that neither exists without
// the other, and never changes. After some time its body may go to an archive, which package
// retention does; its key stays. These hold for every adapter:
//
//   - A command leaves one entry. Its key is a name within its subject: the same key under another
//     subject is another command. A command without a key is one that its subject knows when it
//     comes again, or that may be done again.
//   - The same key with the same input changes nothing and gives the stored result; with another
//     input it is [ErrKeyReused].
//   - Entries of one subject are numbered in the order in which they took effect, each with another
//     number where they have no key.
//   - No entry holds a code, a password, a token or a full phone number.
package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

var (
	// ErrConflict: the stored version is not the one that the change was decided on. Nothing of the
	// change was stored.
	ErrConflict = errs.New(errs.TryAgain, "journal: another change came first; run the command again with the same key")
	// ErrDuplicate: a key of the change was used before. Nothing of the change was stored.
	ErrDuplicate = errs.New(errs.TryAgain, "journal: the key was used before")
	// ErrKeyReused: the key names a command with another input. Use a new key for a new command.
	ErrKeyReused = errs.New(errs.Conflict, "journal: the key was used before with another input; use a new key")
	// ErrArchived: the command was run with that key and input, and its result is in an archive by now.
	// It is not run again.
	ErrArchived = errs.New(errs.Conflict, "journal: the command was run before, and its result was archived; use a new key for a new command")
	// ErrCursor: the cursor is not of this database and tenant. Begin at the zero Cursor, or at one
	// that After gave.
	ErrCursor = errs.New(errs.Invalid, "journal: the cursor is not of this database and tenant; begin at the zero cursor, or at one that After gave")
)

// An Entry records one command that took effect.
type Entry struct {
	Subject string          `json:"subject"`          // what it is about, made by Subject
	Seq     int64           `json:"seq"`              // number of the entry within its subject, growing
	Key     string          `json:"key,omitempty"`    // the command's key; empty: it has none. See Derived
	Kind    string          `json:"kind"`             // what happened, a Kind: "stamps.add"
	At      time.Time       `json:"at"`               // when the command ran: UTC, microseconds
	By      string          `json:"by,omitempty"`     // who did it, in the embedder's words
	Input   []byte          `json:"input,omitempty"`  // SHA-256 of the command, made by Hash; without a key it may be left out
	Before  json.RawMessage `json:"before,omitempty"` // the subject before, where the command changed one; nil: it was archived
	Result  json.RawMessage `json:"result"`           // what the command returned, with the subject after it, see Kind.Result; nil: it was archived
}

// Archived reports whether the body of the entry, Before and Result, is in an archive alone.
func (e Entry) Archived() bool { return len(e.Result) == 0 }

// A Record is an entry as it is stored. Cursor is its place in the feed.
type Record struct {
	Entry
	Cursor Cursor `json:"cursor"` // place of the record, after which a reader goes on
}

// A Cursor is a place in the feed of one tenant. The zero Cursor stands before the first record.
// Its text is opaque; it is of use only with the database and the tenant that gave it.
type Cursor string

// Store reads the journal, and takes out of it what is archived. Engines write it, each with its own
// changes.
type Store interface {
	// After yields at most limit records (limit <= 0: all) that follow the cursor, each at least
	// once to a reader that goes on from the last cursor it dealt with. A record that commits late
	// is never skipped: the feed stops short of the oldest transaction that still runs in the
	// database. Records of
	// one subject come in the order in which they took effect, with growing Seq, whatever
	// transactions they were written in; those of several subjects from transactions that
	// overlapped come in any order. ErrCursor: the cursor is of another database or tenant, or none
	// at all.
	After(ctx context.Context, cursor Cursor, limit int) iter.Seq2[Record, error]
	// Of yields the records of one subject after the other, in the order of subjects, of each the
	// newest first. No subject is there twice.
	Of(ctx context.Context, subjects ...string) iter.Seq2[Record, error]
	// Strip removes the body of each record that is the one before one of those at the cursors, in the
	// order of their subject among those before it in the feed, and returns how many had one. What it
	// leaves of a record is where it was in the feed, its key is used as before, and the newest record
	// of a subject never loses its body. It may run twice. ErrCursor: as After has it; a cursor whose
	// record is gone is passed over.
	Strip(ctx context.Context, at []Cursor) (int64, error)
	// Prune deletes the records without a body that are before one of those at the cursors, in the feed
	// and in the order of their subject, and returns them, in any order. Their keys are as
	// good as new. It may run twice. ErrCursor: as for Strip.
	Prune(ctx context.Context, at []Cursor) ([]Entry, error)
}

var escape = strings.NewReplacer("%", "%25", "/", "%2F")

// Subject joins the kind of a subject and its ids to a name that no other ids give:
// "stamps/coffee/alice".
func Subject(kind string, ids ...string) string {
	var b strings.Builder
	b.WriteString(kind)
	for _, id := range ids {
		b.WriteByte('/')
		escape.WriteString(&b, id)
	}
	return b.String()
}

var unescape = strings.NewReplacer("%25", "%", "%2F", "/")

// ParseSubject returns the ids of a subject of that kind: it is the inverse of Subject. ok reports
// whether Subject makes the subject of that kind and some ids.
func ParseSubject(kind, subject string) (ids []string, ok bool) {
	rest, ok := strings.CutPrefix(subject, kind)
	if ok && rest != "" {
		ids = strings.Split(rest, "/")[1:]
		for i := range ids {
			ids[i] = unescape.Replace(ids[i])
		}
	}
	if !ok || Subject(kind, ids...) != subject {
		return nil, false
	}
	return ids, true
}

// Derived begins the keys that flows give to the commands that they are made of. A service takes no
// such key from its clients: whoever used one up would have the flow's command taken for a
// repetition.
const Derived = "~"

// DerivedKey returns the key of a command that belongs to another one: a name, and a hash of what
// distinguishes it from others of that name. The same parts give the same key.
func DerivedKey(name string, parts ...any) string {
	return Derived + name + "-" + hex.EncodeToString(Hash(name, parts)[:16])
}

// Hash returns the SHA-256 of a command: of its kind and its JSON, with times as Instants gives
// them. A command that holds a code must hash a keyed MAC of it instead, for a plain hash of six
// digits gives them away.
func Hash(kind string, command any) []byte { return HashJSON(kind, JSON(Instants(command))) }

// HashJSON is Hash of a command whose JSON is at hand.
func HashJSON(kind string, text json.RawMessage) []byte {
	b := make([]byte, 0, len(kind)+1+len(text))
	sum := sha256.Sum256(append(append(append(b, kind...), 0), text...))
	return sum[:]
}

// JSON returns the text of a value for Entry.Before and Entry.Result. It panics where the value can
// have none.
func JSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("journal: a %T has no JSON: %w", v, err))
	}
	return text
}

// Replay decodes the result of e into result, for a command with e's key and this input.
// ErrKeyReused: the command that e records had another input. ErrArchived: the result is not here
// any more.
func (e Entry) Replay(input []byte, result any) error {
	if !bytes.Equal(e.Input, input) {
		return ErrKeyReused
	}
	if e.Archived() {
		return ErrArchived
	}
	if err := json.Unmarshal(e.Result, result); err != nil {
		return fmt.Errorf("journal: result of %s, key %q: %w", e.Subject, e.Key, err)
	}
	return nil
}

// Instant returns t as it is stored: UTC, cut to microseconds, without a monotonic reading. The
// zero time stays zero.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
