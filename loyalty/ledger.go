package loyalty

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A link is what an entry of the ledger seals besides itself: the entry before it, and what it left
// behind.
type link struct {
	Seq     int64   `json:"seq,omitempty"`     // of the entry before; 0: it is the first
	Hash    []byte  `json:"hash,omitempty"`    // of that
	State   []byte  `json:"state"`             // of the account after it
	Booking *booked `json:"booking,omitempty"` // that it wrote
	Terms   terms   `json:"terms"`             // of the program that decided it
}

// booked is a booking as an entry left it.
type booked struct {
	Member ids.Member `json:"member"`
	Key    string     `json:"key"`
	Hash   []byte     `json:"hash"`
}

// terms are a version of a program, and the digest of its definition.
type terms struct {
	Version int    `json:"version"`
	Hash    []byte `json:"hash"`
}

// fields are what a digest is of, each with its length before it.
type fields []byte

func (f *fields) bytes(s []byte) {
	*f = append(binary.BigEndian.AppendUint64(*f, uint64(len(s))), s...)
}

func (f *fields) text(s string) {
	*f = append(binary.BigEndian.AppendUint64(*f, uint64(len(s))), s...)
}

func (f *fields) number(n int64) {
	*f = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(*f, 8), uint64(n))
}

func (f fields) sum() []byte {
	sum := sha256.Sum256(f)
	return sum[:]
}

// digest returns the SHA-256 of all that an entry says.
func digest(e journal.Entry) []byte {
	f := make(fields, 0, 256+len(e.Subject)+len(e.Key)+len(e.By)+len(e.Before)+len(e.Result))
	f.entry(e)
	return f.sum()
}

func (f *fields) entry(e journal.Entry) {
	f.text(e.Subject)
	f.number(e.Seq)
	f.text(e.Key)
	f.text(e.Kind)
	f.number(e.At.UnixMicro())
	f.text(e.By)
	f.bytes(e.Input)
	f.bytes(e.Before)
	f.bytes(e.Result)
}

// digest returns the SHA-256 of the account as it is stored, but for Hash.
func (a *Account) digest() []byte {
	f := make(fields, 0, 1024)
	f.text(string(a.ID.Program))
	f.text(string(a.ID.Member))
	f.number(a.Version)
	f.number(a.Seq)
	return fields(a.AppendJSON(f)).sum()
}

// digest returns the SHA-256 of the booking as it is stored.
func (k *Booking) digest() []byte {
	f := make(fields, 0, 1024)
	f.booking(k.Account, k.Key, k.Changes)
	return fields(k.AppendJSON(f)).sum()
}

// booking begins the digest of a booking, whose state follows.
func (f *fields) booking(of AccountID, key string, changes int64) {
	f.text(string(of.Program))
	f.text(string(of.Member))
	f.text(key)
	f.number(changes)
}
