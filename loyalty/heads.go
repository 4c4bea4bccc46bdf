package loyalty

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"iter"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Head is where the ledger of an account ended at some time. Whoever keeps it outside of the
// database finds by it what nobody can find inside: that a ledger was cut off or written anew, or
// that an account is gone with all that it had.
type Head struct {
	Member ids.Member `json:"member"` // member of the account
	Seq    int64      `json:"seq"`    // number of the last entry
	Hash   []byte     `json:"hash"`   // of the entry, which seals all before it
}

// Terms are the versions of a program up to one of them, as a digest.
type Terms struct {
	Program ids.Program `json:"program"` // program that they are of
	Version int         `json:"version"` // the last one
	Hash    []byte      `json:"terms"`   // SHA-256 of all versions up to it
}

// Heads are the terms of a program and the heads of its accounts, where all of them fit in memory.
type Heads struct {
	Terms
	Members []Head `json:"members"` // in the order of members
}

// All yields the heads of the members, for VerifyQuery.Kept.
func (h Heads) All() iter.Seq2[Head, error] {
	return func(yield func(Head, error) bool) {
		for _, m := range h.Members {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Terms returns those of the version of a program that is in force. ErrUnknownProgram: there is
// none. *TamperedError: a version before it is missing, or is stored as another one.
func (e *Engine) Terms(ctx context.Context, id ids.Program) (Terms, error) {
	if err := valid.ID("program", id); err != nil {
		return Terms{}, fmt.Errorf("loyalty: terms: %w", err)
	}
	d, err := definition(ctx, e.frame.Store, id, 0)
	if err != nil {
		return Terms{}, fmt.Errorf("loyalty: terms of %s: %w", id, err)
	}
	return newAudit(e).termsUpTo(ctx, id, d.Version)
}

// A Digest is the SHA-256 of terms and of heads, which are added one after the other: a few bytes
// to keep where the heads themselves can't be trusted to stay. Its MarshalBinary keeps what was
// added so far, for a verification that goes on later. It is not safe for concurrent use.
type Digest struct {
	heads hash.Hash
	n     int64
}

// NewDigest returns the digest of terms without any head.
func NewDigest(t Terms) *Digest {
	d := &Digest{heads: sha256.New()}
	var f fields
	f.text(string(t.Program))
	f.number(int64(t.Version))
	f.bytes(t.Hash)
	d.heads.Write(f)
	return d
}

// Add adds a head. Heads are added in the order of their members.
func (d *Digest) Add(h Head) {
	var f fields
	f.text(string(h.Member))
	f.number(h.Seq)
	f.bytes(h.Hash)
	d.heads.Write(f)
	d.n++
}

// Sum returns the digest of what was added so far.
func (d *Digest) Sum() []byte {
	var f fields
	f.bytes(d.heads.Sum(nil))
	f.number(d.n)
	return f.sum()
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (d *Digest) MarshalBinary() ([]byte, error) {
	text, err := d.heads.(encoding.BinaryMarshaler).MarshalBinary()
	return binary.BigEndian.AppendUint64(text, uint64(d.n)), err
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (d *Digest) UnmarshalBinary(data []byte) error {
	heads, end := sha256.New(), len(data)-8
	if end < 0 {
		return errors.New("loyalty: not a digest")
	}
	if err := heads.(encoding.BinaryUnmarshaler).UnmarshalBinary(data[:end]); err != nil {
		return fmt.Errorf("loyalty: not a digest: %w", err)
	}
	d.heads, d.n = heads, int64(binary.BigEndian.Uint64(data[end:]))
	return nil
}

// A TamperedError reports that what is stored of an account, or of a program, is not what was
// written. Seq is the first entry of the ledger that is another one or is missing, or that left
// behind what is another one now. Account.Member is "" and Seq is 0 where it is the program.
type TamperedError struct {
	Account AccountID // account that was changed
	Seq     int64     // entry of its ledger
	Reason  string    // what does not fit
}

// Error implements error.
func (e *TamperedError) Error() string {
	if e.Account.Member == "" {
		return fmt.Sprintf("loyalty: program %s: %s", e.Account.Program, e.Reason)
	}
	return fmt.Sprintf("loyalty: ledger of %s in %s, entry %d: %s", e.Account.Member, e.Account.Program, e.Seq, e.Reason)
}

// Is reports whether target is errs.Internal.
func (e *TamperedError) Is(target error) bool { return target == errs.Internal }
