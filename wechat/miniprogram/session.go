package miniprogram

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat"
)

// An OpenID is a user of one app.
type OpenID string

// A UnionID is a user of all apps of one open-platform account.
type UnionID string

// A Session is who signed in.
type Session struct {
	App      string    // AppID, of which the OpenID is
	OpenID   OpenID    // the user
	Platform string    // open-platform account of the UnionID: Options.Platform
	UnionID  UnionID   // "": WeChat did not tell, or the engine has no Platform
	At       time.Time // when
}

// SignIn asks WeChat whose a code of wx.login is, and stores the session key. A code is good once
// and for 5 minutes: where an answer is lost, the front end gets a new one. Errors:
// *errs.InputError; those of wechat.Client.Do, of which wechat.ErrCodeInvalid, ErrCodeUsed,
// ErrRateLimited (100 a minute and user) and ErrUserBlocked are the user's.
func (e *Engine) SignIn(ctx context.Context, code string) (s Session, err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.signin", "")
	defer call.End(&err)
	if err := checkCode(code); err != nil {
		return Session{}, fmt.Errorf("miniprogram: sign in: %w", err)
	}
	var answer struct {
		OpenID  OpenID  `json:"openid"`
		UnionID UnionID `json:"unionid"`
		Key     string  `json:"session_key"`
	}
	err = e.client.Do(ctx, wechat.Call{
		Path: "/sns/jscode2session", Query: url.Values{"js_code": {code}, "grant_type": {"authorization_code"}}, Secret: true,
	}, &answer)
	if err == nil && (answer.OpenID == "" || answer.Key == "") {
		err = wechat.ErrUnavailable
	}
	if err != nil {
		return Session{}, fmt.Errorf("miniprogram: sign in: %w", err)
	}
	s = Session{App: e.client.App(), OpenID: answer.OpenID, At: e.frame.Now()}
	if e.platform != "" && answer.UnionID != "" {
		s.Platform, s.UnionID = e.platform, answer.UnionID
	}
	row := session{App: s.App, OpenID: s.OpenID, At: s.At}
	row.KeyID, row.Sealed = e.seal([]byte(answer.Key), e.context("session", string(s.OpenID)))
	if err := e.save(ctx, sessions.Put(&row)); err != nil {
		return Session{}, fmt.Errorf("miniprogram: sign in: %w", err)
	}
	return s, nil
}

// ErrSession: the user has not signed in, or WeChat has ended the session. Have the front end sign
// in with wx.login.
var ErrSession = errs.New(errs.OutOfTime, "miniprogram: the session has ended; have the front end sign in again")

// CheckSession asks WeChat whether the session of a user's last sign-in goes on, as its session key
// shows. It may run twice. Errors: *errs.InputError; ErrSession; those of wechat.Client.Do.
func (e *Engine) CheckSession(ctx context.Context, user OpenID) (err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.checksession", "")
	defer call.End(&err)
	key, err := e.sessionKey(ctx, user)
	if err != nil {
		return fmt.Errorf("miniprogram: check session: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	err = e.client.Do(ctx, wechat.Call{Path: "/wxa/checksession", Read: true, Query: url.Values{
		"openid": {string(user)}, "signature": {hex.EncodeToString(mac.Sum(nil))}, "sig_method": {"hmac_sha256"},
	}}, &struct{}{})
	var refused *wechat.Error
	if errors.As(err, &refused) && refused.Code == 87009 {
		err = ErrSession
	}
	if err != nil {
		return fmt.Errorf("miniprogram: check session: %w", err)
	}
	return nil
}

// sessionKey returns the session key of a user's last sign-in.
func (e *Engine) sessionKey(ctx context.Context, user OpenID) ([]byte, error) {
	if err := valid.ID("openid", user); err != nil {
		return nil, err
	}
	row := session{App: e.client.App(), OpenID: user}
	if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{sessions.Get(&row)}}}); err != nil {
		return nil, err
	}
	if len(row.Sealed) == 0 {
		return nil, ErrSession
	}
	return e.unseal(row.KeyID, row.Sealed, e.context("session", string(user)))
}
