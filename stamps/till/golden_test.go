package till

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A code that one release has issued, and a claim that it has sealed, mean the same to another.
func TestGoldenCodes(t *testing.T) {
	const broken = "Codes, claims and presses that are on their way do something else, or are refused."
	coupon := stamps.CouponID{Card: stamps.CardID{Program: "coffee", Member: "alice"}, N: 2}
	f, fill := golden.Open(t, "codes"), golden.Fill{"stamps.CouponID": coupon}
	f.Check(golden.JSON("request", Request{}, fill, broken))
	f.Check(golden.JSON("sale", sale{}, nil, broken))
	f.Line("key of a claim", claimKey(otp.Claim{Code: otp.Code{ID: []byte("0123456789abcdef")}}), broken)
	request := Request{Purpose: stamps.PurposeRedeem, Member: "alice", Nickname: "Al", Program: "coffee", Record: 1, Coupon: &coupon}
	f.Line("what a press serves", hex.EncodeToString(journal.Hash("counter.press", []any{"key", request})), broken)
}

// A code that means more to a newer release is refused, for this one would do a part of it.
func TestACodeOfANewerReleaseIsRefused(t *testing.T) {
	claim := otp.Claim{Code: otp.Code{Purpose: "stamp", Payload: []byte(`{"purpose":"stamp","member":"alice","program":"coffee"}`)}}
	if d, err := requestOf(claim); err != nil || d.Program != "coffee" {
		t.Errorf("%+v, %v", d, err)
	}
	claim.Code.Payload = []byte(`{"purpose":"stamp","member":"alice","program":"coffee","twice":true}`)
	if d, err := requestOf(claim); !errors.Is(err, storage.ErrFormat) {
		t.Errorf("%+v, %v", d, err)
	}
}
