package miniprogram

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now      func() time.Time // the clock; nil: time.Now
	Hook     storage.Hook     // of traces and metrics; nil: none
	Platform string           // open-platform account that the app is bound to, by a name of the service's without spaces; "": none
}

// An Engine asks WeChat for one Mini Program. It is safe for concurrent use. Call it outside of
// transactions: WeChat may take wechat.Timeout to answer.
type Engine struct {
	frame    engine.Frame
	client   *wechat.Client
	boxes    []sealer
	platform string
}

type sealer struct {
	id string
	keyring.Box
}

// New returns an engine on a store, which has the tables of this package. The first key seals what
// is stored; the others open what they sealed. New returns an error if keys is empty, a key is too
// short, two share an ID, or Options.Platform has a space.
func New(s storage.Tx, client *wechat.Client, keys []secret.Key, opts *Options) (*Engine, error) {
	if err := keyring.Check(keys); err != nil {
		return nil, fmt.Errorf("miniprogram: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	if err := valid.OptionalID("platform", o.Platform); err != nil {
		return nil, fmt.Errorf("miniprogram: %w", err)
	}
	e := &Engine{frame: engine.New(s, o.Now, o.Hook), client: client, platform: o.Platform}
	for _, k := range keys {
		e.boxes = append(e.boxes, sealer{k.ID, keyring.NewBox(k.Secret, "wechat.v1 miniprogram")})
	}
	return e, nil
}

// context is what something sealed is of.
func (e *Engine) context(what, of string) string {
	tenant, app := e.frame.Tenant(), e.client.App()
	return fmt.Sprintf("%s %d %s %d %s %s", what, len(tenant), tenant, len(app), app, of)
}

// seal returns a text as it is stored, and the id of the key.
func (e *Engine) seal(text []byte, context string) (keyID string, sealed []byte) {
	return e.boxes[0].id, e.boxes[0].Seal(text, context)
}

// unseal returns what seal sealed. An error: the key is gone.
func (e *Engine) unseal(keyID string, sealed []byte, context string) ([]byte, error) {
	for _, b := range e.boxes {
		if b.id == keyID {
			return b.Open(sealed, context)
		}
	}
	return nil, fmt.Errorf("miniprogram: sealed by the key %q, which is gone", keyID)
}

// checkCode refuses what can't be a code that WeChat gave the front end.
func checkCode(code string) error {
	if len(code) < 1 || len(code) > 128 {
		return &errs.InputError{Field: "code", Reason: "is not 1 to 128 characters"}
	}
	for _, c := range []byte(code) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return &errs.InputError{Field: "code", Reason: "has other characters than letters, digits, '-' and '_'"}
		}
	}
	return nil
}

// save stores one row.
func (e *Engine) save(ctx context.Context, row storage.Row) error {
	failed, err := e.frame.Store.Save(ctx, []storage.Change{{Rows: []storage.Row{row}}})
	if err != nil {
		return err
	}
	return failed[0]
}
