package authenticator

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// The floor of a verification: one HMAC for each of the two steps that a code may be of.
func BenchmarkFloor(b *testing.B) {
	mac, counter := hmac.New(sha1.New, rfc(SHA1)), make([]byte, 8)
	var sum []byte
	b.ReportAllocs()
	for b.Loop() {
		for step := range uint64(2) {
			binary.BigEndian.PutUint64(counter, step)
			mac.Reset()
			mac.Write(counter)
			sum = mac.Sum(sum[:0])
		}
	}
}

func BenchmarkTOTPVerify(b *testing.B) {
	totp, now := standard(), time.Unix(1_800_000_000, 0)
	code := totp.code(totp.step(now))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := totp.Verify(code, now, 0, false); !ok {
			b.Fatal("refused")
		}
	}
}

// A verification with all that is stored of it, in memory.
func BenchmarkEngineVerify(b *testing.B) {
	now := time.Unix(1_800_000_000, 0)
	e, err := New(memory.New(), []secret.Key{{ID: "a", Secret: make([]byte, 32)}}, &Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	enrolled, err := e.Enroll(b.Context(), Enroll{Subject: "alice", Issuer: "scrmkit", Account: "alice", Key: "enroll"})
	if err != nil {
		b.Fatal(err)
	}
	totp := enrolled.TOTP
	if _, err := e.Confirm(b.Context(), Confirm{Subject: "alice", Code: totp.code(totp.step(now)), Key: "confirm"}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		now = now.Add(totp.Period)
		if _, err := e.Verify(b.Context(), Verify{Subject: "alice", Code: totp.code(totp.step(now)), Key: fmt.Sprint(n)}); err != nil {
			b.Fatal(err)
		}
	}
}
