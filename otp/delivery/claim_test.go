package delivery

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage/memory"
)

// No text but one that the engine sealed is a claim, in its tenant, for its purpose and in its
// time.
func FuzzClaim(f *testing.F) {
	db := memory.New()
	e, acme := goldenEngine(db), goldenEngine(db.Tenant("acme"))
	c := claimed{Hash: []byte("hash"), ID: []byte("id"), Purpose: "signin", Address: goldenAddress, Expires: goldenNow.Add(ClaimTTL)}
	sealed := e.seal(c)
	for _, s := range []string{string(sealed), string(sealed[:len(sealed)-1]), "k1.", "k2." + string(sealed[3:]), ".", "", "k1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		opened, err := e.open(Claim(s), "signin", goldenNow)
		if err == nil && !reflect.DeepEqual(opened, c) || err != nil && !errors.Is(err, ErrInvalidCode) || Claim(s) == sealed && err != nil {
			t.Fatalf("%q: %+v, %v", s, opened, err)
		}
		if _, err := acme.open(Claim(s), "signin", goldenNow); err == nil {
			t.Fatalf("%q is a claim of another tenant", s)
		}
	})
}

func TestClaimsEnd(t *testing.T) {
	e := goldenEngine(memory.New())
	sealed := e.seal(claimed{Purpose: "signin", Expires: goldenNow.Add(ClaimTTL)})
	for after, good := range map[time.Duration]bool{
		0: true, ClaimTTL - time.Microsecond: true, ClaimTTL: false, -MaxSkew: true, -MaxSkew - time.Microsecond: false,
	} {
		if _, err := e.open(sealed, "signin", goldenNow.Add(after)); (err == nil) != good {
			t.Errorf("after %s: %v", after, err)
		}
	}
	if _, err := e.open(sealed, "reset", goldenNow); err == nil {
		t.Error("for another purpose")
	}
}
