package wechat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
)

// Kinds of errors. An [Error] is of at most one.
var (
	// ErrCodeInvalid: the front end's code is none, has ended, or is another app's. Have it get a
	// new one.
	ErrCodeInvalid = errs.New(errs.Invalid, "wechat: invalid code")
	// ErrCodeUsed: the front end's code was used before; the answer to it can't be had again. Have
	// the front end get a new one.
	ErrCodeUsed = errs.New(errs.Invalid, "wechat: code was used before")
	// ErrRateLimited: the app, or the user, has used up what WeChat lets them do in a minute or a
	// day.
	ErrRateLimited = errs.New(errs.Exhausted, "wechat: too many calls")
	// ErrRefused: the user does not want the message, or has not asked for it.
	ErrRefused = errs.New(errs.Denied, "wechat: the user refuses messages")
	// ErrUserBlocked: WeChat takes the user for a risk.
	ErrUserBlocked = errs.New(errs.Denied, "wechat: the user is blocked")
	// ErrTokenInvalid: WeChat refuses each access token that it gives, more often than it may be
	// asked for another one. Mostly two services have the same app, and one of them does not use
	// stable_token.
	ErrTokenInvalid = errs.New(errs.Internal, "wechat: access token is refused")
	// ErrIPNotAllowed: the address of the server is not on the app's list of addresses.
	ErrIPNotAllowed = errs.New(errs.Internal, "wechat: server address is not allowed")
	// ErrBadSecret: the AppID or the secret is wrong, or the secret is frozen.
	ErrBadSecret = errs.New(errs.Internal, "wechat: invalid AppID or secret")
	// ErrUnavailable: WeChat did not answer, answered late or with something else than its API
	// does. Whether it did what was asked for is unknown.
	ErrUnavailable = errs.New(errs.Internal, "wechat: no answer")
	// ErrBusy: WeChat answers that it is busy (-1), and has done nothing as far as it says.
	ErrBusy = errs.New(errs.Internal, "wechat: system is busy")
)

// An Error is what WeChat answered with instead of what was asked for.
type Error struct {
	API  string // path of the call
	Code int64  // errcode
	Msg  string // errmsg, without its rid and anything secret
	RID  string // by which WeChat's support finds the call; "": none
}

func (e *Error) Error() string {
	text := fmt.Sprintf("wechat: %s: %d %s", e.API, e.Code, e.Msg)
	if e.RID != "" {
		text += " (rid " + e.RID + ")"
	}
	return text
}

// Is reports whether target is the kind of e, or its class: that of its kind or, without a kind,
// errs.Internal.
func (e *Error) Is(target error) bool {
	kind := e.kind()
	return target == kind || kind == nil && target == errs.Internal || kind != nil && target == errs.ClassOf(kind)
}

// tokenAPIs are those that give access tokens, where 40001 is about the secret.
var tokenAPIs = []string{"/cgi-bin/token", "/cgi-bin/stable_token"}

func (e *Error) kind() error {
	switch e.Code {
	case -1:
		return ErrBusy
	case 40029:
		return ErrCodeInvalid
	case 40163:
		return ErrCodeUsed
	case 45009, 45011, 45033, 45063, 44990:
		return ErrRateLimited
	case 43101:
		return ErrRefused
	case 40226:
		return ErrUserBlocked
	case 40164, 89503:
		return ErrIPNotAllowed
	case 40013, 40125, 40243, 41002, 41004:
		return ErrBadSecret
	case 40001:
		if slices.Contains(tokenAPIs, e.API) {
			return ErrBadSecret
		}
		return ErrTokenInvalid
	case 40014, 42001, 41001:
		return ErrTokenInvalid
	}
	return nil
}

var rid = regexp.MustCompile(`\s*rid:\s*([0-9A-Za-z-]+)\s*`)

// maxMessage is how many bytes of WeChat's own text an error keeps.
const maxMessage = 200

// newError returns the error of an answer. Its text is without the secrets of the call, whatever
// WeChat repeats of it.
func newError(api string, code int64, msg string, secrets ...string) *Error {
	e := &Error{API: api, Code: code}
	if m := rid.FindStringSubmatch(msg); m != nil {
		e.RID, msg = m[1], rid.ReplaceAllString(msg, "")
	}
	for _, s := range secrets {
		if s != "" {
			msg = strings.ReplaceAll(msg, s, "[secret]")
		}
	}
	if len(msg) > maxMessage {
		msg = msg[:maxMessage]
	}
	e.Msg = strings.ToValidUTF8(msg, "")
	return e
}
