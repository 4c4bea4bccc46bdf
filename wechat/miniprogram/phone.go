package miniprogram

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat"
)

// A Way is how WeChat knows a number.
type Way string

const (
	Quick    Way = "quick"    // as the user once gave it to WeChat: getPhoneNumber
	Realtime Way = "realtime" // proved by an SMS of WeChat's at that moment: getRealtimePhoneNumber
)

// Phone asks for the number behind the button that a user pressed.
type Phone struct {
	OpenID OpenID // who pressed it, by the session of the service; a code of anybody else is refused
	Code   string // that the button gave; it is none of wx.login
	Way    Way    // which button it was
}

// A Number is a user's phone number.
type Number struct {
	E164 string    `json:"e164"` // "+8613800138000"
	Way  Way       `json:"way"`  // how WeChat knows it
	At   time.Time `json:"at"`   // when it was asked for
}

// errOthers is told of a code that was another user's, whoever asks.
var errOthers = fmt.Errorf("miniprogram: phone: %w", wechat.ErrCodeInvalid)

// Phone returns the number behind a code. WeChat charges for it and answers once, so the answer is
// stored before it is returned: the same code gives the same number again until Prune. Errors:
// *errs.InputError; those of wechat.Client.Do, of which wechat.ErrCodeInvalid is that of a code
// which has ended (5 minutes), was used without the engine, or is another user's.
func (e *Engine) Phone(ctx context.Context, p Phone) (n Number, err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.phone", "")
	defer call.End(&err)
	if err := p.check(); err != nil {
		return Number{}, fmt.Errorf("miniprogram: phone: %w", err)
	}
	row := e.paid(p.Code)
	n, own, err := e.claim(ctx, &row, p)
	if err != nil || n.E164 != "" {
		call.Replayed = err == nil
		return n, err
	}
	// It is paid for, so it goes on where the caller gives up.
	type result struct {
		Number
		err error
	}
	done := make(chan result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
		defer cancel()
		n, err := e.obtain(ctx, row, p, own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		n, err = r.Number, r.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return Number{}, fmt.Errorf("miniprogram: phone: %w", err)
	}
	return n, nil
}

// obtain asks WeChat for the number, and stores the answer in the row that claim returned. Without
// an answer the row goes where it is the caller's own; another one's may have the answer by then.
func (e *Engine) obtain(ctx context.Context, row paid, p Phone, own bool) (Number, error) {
	n, err := e.ask(ctx, p)
	if err != nil {
		if own {
			_ = e.save(ctx, phones.Drop(&row)) // or it stands until nobody waits for it any more
		}
		return Number{}, err
	}
	row.At = n.At
	row.KeyID, row.Sealed = e.seal(journal.JSON(answered{p.OpenID, n}), e.context("phone", string(row.Hash)))
	for range saves {
		if err = e.save(ctx, phones.Put(&row)); err == nil || wait(ctx, pause) != nil {
			break
		}
	}
	return n, err
}

const (
	asking = 2 * wechat.Timeout     // how long a caller may ask for a number, and store it
	saves  = 3                      // how often it is tried to store an answer
	pause  = 100 * time.Millisecond // between looks for the answer to another caller
)

// claim returns the number that is stored, or notes that the caller asks for it: no two do at once,
// and the row is the caller's own. Where another one asks, it waits for that answer, for as long as
// WeChat may take; but not for one that has ended by now.
func (e *Engine) claim(ctx context.Context, row *paid, p Phone) (n Number, own bool, err error) {
	for waited := time.Duration(0); ; waited += pause {
		row.At = time.Time{}
		n, err := e.recall(ctx, row, p)
		if err != nil || n.E164 != "" || waited >= wechat.Timeout {
			return n, false, err
		}
		now := e.frame.Now()
		if row.At.IsZero() {
			row.At = now
			if err = e.save(ctx, phones.Insert(row)); err == nil {
				return Number{}, true, nil
			}
			if !errors.Is(err, journal.ErrConflict) {
				return Number{}, false, fmt.Errorf("miniprogram: phone: %w", err)
			}
		} else if !now.Before(row.At.Add(asking)) {
			return Number{}, false, nil
		}
		if err := wait(ctx, pause); err != nil {
			return Number{}, false, fmt.Errorf("miniprogram: phone: %w", err)
		}
	}
}

// answered is what is stored of an answer.
type answered struct {
	OpenID OpenID `json:"openid"`
	Number Number `json:"number"`
}

func (p Phone) check() error {
	if err := valid.ID("openid", p.OpenID); err != nil {
		return err
	}
	if err := checkCode(p.Code); err != nil {
		return err
	}
	if p.Way != Quick && p.Way != Realtime {
		return &errs.InputError{Field: "way", Reason: "is neither quick nor realtime"}
	}
	return nil
}

// paid is the row of a code.
func (e *Engine) paid(code string) paid {
	hash := sha256.Sum256([]byte(e.client.App() + " " + code))
	return paid{Hash: hash[:]}
}

// recall returns the answer that is stored; no E164: there is none.
func (e *Engine) recall(ctx context.Context, row *paid, p Phone) (Number, error) {
	err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{phones.Get(row)}}})
	if err != nil || len(row.Sealed) == 0 {
		if err != nil {
			err = fmt.Errorf("miniprogram: phone: %w", err)
		}
		return Number{}, err
	}
	text, err := e.unseal(row.KeyID, row.Sealed, e.context("phone", string(row.Hash)))
	var a answered
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return Number{}, fmt.Errorf("miniprogram: phone: %w", err)
	}
	if a.OpenID != p.OpenID {
		return Number{}, errOthers
	}
	return a.Number, nil
}

// ask asks WeChat for the number.
func (e *Engine) ask(ctx context.Context, p Phone) (Number, error) {
	const path = "/wxa/business/getuserphonenumber"
	var answer struct {
		Info struct {
			Pure      string  `json:"purePhoneNumber"`
			Country   dialing `json:"countryCode"`
			Watermark struct {
				App string `json:"appid"`
			} `json:"watermark"`
		} `json:"phone_info"`
	}
	err := e.client.Do(ctx, wechat.Call{Path: path, Body: map[string]string{"code": p.Code, "openid": string(p.OpenID)}}, &answer)
	if err != nil {
		return Number{}, err
	}
	if answer.Info.Watermark.App != e.client.App() {
		return Number{}, fmt.Errorf("%w: the answer is for another app", wechat.ErrUnavailable)
	}
	n := "+" + string(answer.Info.Country) + strings.TrimSpace(answer.Info.Pure)
	if len(n) < 8 || len(n) > 16 || strings.Trim(n[1:], "0123456789") != "" {
		return Number{}, fmt.Errorf("%w: the answer has no number", wechat.ErrUnavailable)
	}
	return Number{E164: n, Way: p.Way, At: e.frame.Now()}, nil
}

// dialing is a country's code. WeChat's documents have it as a text and as a number.
type dialing string

// UnmarshalJSON implements json.Unmarshaler.
func (d *dialing) UnmarshalJSON(text []byte) error {
	*d = dialing(strings.Trim(string(text), `"`))
	return nil
}

// wait waits for a time, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
