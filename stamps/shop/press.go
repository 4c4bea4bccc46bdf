package shop

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	// PressTTL is how long the token of a press is good.
	PressTTL = 2 * time.Minute
	// PressSkew is how far the clocks of two processes may be apart.
	PressSkew = 30 * time.Second
)

// A Press is a physical stamp on a member's phone.
type Press struct {
	Serial Serial // any name of the stamp; "": Token says it
	Token  string // what Certify gave; "" is for stamps that were bound with Unsigned
	Member string // whose phone it is. With Key it says what the press is for: it serves that alone
	Key    string // idempotency key; required with Token
}

// Pressed is what a press shows.
type Pressed struct {
	Shop Shop   // shop that the stamp belongs to
	Ref  string // of the stamp, for records that a customer may see; not a serial
}

// touch is what a token holds.
type touch struct {
	Serial Serial `json:"s"`
	At     int64  `json:"t"` // microseconds since 1970
	Nonce  []byte `json:"n"`
}

// Certify returns the token of a press, which is good once and for PressTTL. Call it where the
// vendor of the stamps has certified a touch, in real time; the token goes through the phone, and
// nothing of it can be read there. Errors: *errs.InputError, ErrUnknownStamp, and one of
// Options.PressKeys.
func (e *Engine) Certify(ctx context.Context, serial Serial) (token string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("shop: certify: %w", err)
		}
	}()
	if err := keyring.Check(e.keys); err != nil {
		return "", fmt.Errorf("PressKeys: %w", err)
	}
	stamp, err := e.stamp(ctx, serial)
	if err != nil {
		return "", err
	}
	t := touch{Serial: stamp.main(), At: e.frame.Now().UnixMicro(), Nonce: make([]byte, 16)}
	rand.Read(t.Nonce)
	key := e.keys[0]
	sealed := pressBox(key).Seal(journal.JSON(t), e.pressContext(key))
	return key.ID + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Pressed returns the shop and the reference of the physical stamp that was pressed, and uses the
// token up: with the same Member and Key it may be called again, as after a lost answer. Errors:
// ErrUnknownStamp, ErrPress, ErrUnsigned, ErrClosed.
func (e *Engine) Pressed(ctx context.Context, p Press) (pressed Pressed, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("shop: pressed: %w", err)
		}
	}()
	var t touch
	if p.Token != "" {
		if err := cmp.Or(valid.ID("member", p.Member), valid.ID("key", p.Key)); err != nil {
			return Pressed{}, err
		}
		if t, err = e.open(p.Token); err != nil {
			return Pressed{}, err
		}
	}
	stamp, err := e.stamp(ctx, cmp.Or(p.Serial, t.Serial))
	switch {
	case err != nil:
		return Pressed{}, err
	case p.Token == "" && !stamp.Unsigned:
		return Pressed{}, ErrUnsigned
	case p.Token != "" && stamp.main() != t.Serial:
		return Pressed{}, ErrPress
	}
	s, err := e.Open(ctx, stamp.Shop)
	if err == nil && p.Token != "" {
		err = e.use(ctx, t, stamp, p)
	}
	if err != nil {
		return Pressed{}, err
	}
	return Pressed{Shop: s, Ref: stamp.Ref}, nil
}

// stamp returns the physical stamp with that name. Errors: *errs.InputError, ErrUnknownStamp.
func (e *Engine) stamp(ctx context.Context, serial Serial) (Stamp, error) {
	serial, err := serial.Canonical()
	if err != nil {
		return Stamp{}, err
	}
	s, err := load(ctx, e.frame.Store, lookup{serial: serial})
	if err == nil && s.stamp.Shop == "" {
		err = ErrUnknownStamp
	}
	return s.stamp, err
}

// open returns what a token holds. ErrPress: it is not of this tenant and these keys, or is past
// its end.
func (e *Engine) open(token string) (t touch, err error) {
	id, text, _ := strings.Cut(token, ".")
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(token) > valid.MaxText {
		return touch{}, ErrPress
	}
	for _, key := range e.keys {
		if key.ID != id {
			continue
		}
		opened, err := pressBox(key).Open(sealed, e.pressContext(key))
		if err != nil || json.Unmarshal(opened, &t) != nil {
			return touch{}, ErrPress
		}
		now, at := e.frame.Now(), time.UnixMicro(t.At)
		if at.After(now.Add(PressSkew)) || !now.Before(at.Add(PressTTL)) {
			return touch{}, ErrPress
		}
		return t, nil
	}
	return touch{}, ErrPress
}

// use writes down what the token is used for. ErrPress: it was used for something else.
func (e *Engine) use(ctx context.Context, t touch, stamp Stamp, p Press) error {
	input := journal.Hash(string(KindPress), []string{p.Member, p.Key})
	subject := journal.Subject("shop-press", hex.EncodeToString(t.Nonce))
	return combine.Retry(ctx, func() error {
		s, err := load(ctx, e.frame.Store, lookup{subject: subject, key: "press"})
		switch {
		case err != nil:
			return err
		case s.entry != nil && bytes.Equal(s.entry.Input, input):
			return nil
		case s.entry != nil:
			return ErrPress
		}
		return update{entry: journal.Entry{
			Subject: subject, Seq: 1, Key: "press", Kind: string(KindPress), At: e.frame.Now(), Input: input,
			Result: journal.JSON(UsedPress{Ref: stamp.Ref, Shop: stamp.Shop}),
		}}.save(ctx, e.frame.Store)
	})
}

func pressBox(k secret.Key) keyring.Box { return keyring.NewBox(k.Secret, "scrmkit shop press") }

func (e *Engine) pressContext(k secret.Key) string { return k.ID + "/" + e.frame.Tenant() }
