package miniprogram

import (
	"context"
	"fmt"
	"net/url"
	"time"

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
