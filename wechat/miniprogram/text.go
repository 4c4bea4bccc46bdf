package miniprogram

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/wechat"
)

// A TextScene is where a text is to be shown, by the numbers of WeChat.
type TextScene int

const (
	Profile TextScene = 1 // nickname, signature
	Comment TextScene = 2
	Forum   TextScene = 3
	Social  TextScene = 4 // a log
)

// MaxText is how many characters a text may have.
const MaxText = 2500

// A Text is what a user wrote.
type Text struct {
	OpenID  OpenID    // who wrote it; must have been in the app in the last 2 hours
	Scene   TextScene // where it is to be shown
	Content string    // the text
}

// A Suggestion is what WeChat says of a text.
type Suggestion string

const (
	Pass   Suggestion = "pass"   // it may be shown
	Review Suggestion = "review" // a person should look at it
	Risky  Suggestion = "risky"  // it must not be shown
)

// A TextCheck is the answer to a Text.
type TextCheck struct {
	Suggestion Suggestion // what to do with it
	Label      int        // why, by the numbers of WeChat; 100: nothing is wrong
	Trace      string     // by which WeChat's support finds the check
}

// ErrVisit: the user has not been in the app lately, so that WeChat checks nothing of theirs. Check
// it when they are back; it is no refusal.
var ErrVisit = errs.New(errs.OutOfTime, "miniprogram: the user has not been in the app lately")

// CheckText asks WeChat (msg_sec_check, version 2) whether a text may be shown. It may run twice.
// Errors: *errs.InputError; ErrVisit; those of wechat.Client.Do.
func (e *Engine) CheckText(ctx context.Context, t Text) (c TextCheck, err error) {
	ctx, call := e.frame.Begin(ctx, "miniprogram.checktext", "")
	defer call.End(&err)
	if err := t.check(); err != nil {
		return TextCheck{}, fmt.Errorf("miniprogram: check text: %w", err)
	}
	var answer struct {
		Result struct {
			Suggest Suggestion `json:"suggest"`
			Label   int        `json:"label"`
		} `json:"result"`
		Trace string `json:"trace_id"`
	}
	err = e.client.Do(ctx, wechat.Call{Path: "/wxa/msg_sec_check", Read: true, Body: map[string]any{
		"openid": t.OpenID, "scene": t.Scene, "version": 2, "content": t.Content,
	}}, &answer)
	var refused *wechat.Error
	switch {
	case errors.As(err, &refused) && refused.Code == 61010:
		err = ErrVisit
	case err != nil:
	case answer.Result.Suggest != Pass && answer.Result.Suggest != Review && answer.Result.Suggest != Risky:
		err = fmt.Errorf("%w: the answer has no suggestion", wechat.ErrUnavailable)
	}
	if err != nil {
		return TextCheck{}, fmt.Errorf("miniprogram: check text: %w", err)
	}
	return TextCheck{answer.Result.Suggest, answer.Result.Label, answer.Trace}, nil
}

func (t Text) check() error {
	switch {
	case t.Scene < Profile || t.Scene > Social:
		return &errs.InputError{Field: "scene", Reason: "is not 1 to 4"}
	case t.Content == "":
		return &errs.InputError{Field: "content", Reason: "is missing"}
	case !utf8.ValidString(t.Content):
		return &errs.InputError{Field: "content", Reason: "is not UTF-8"}
	case utf8.RuneCountInString(t.Content) > MaxText:
		return &errs.InputError{Field: "content", Reason: fmt.Sprintf("is longer than %d characters", MaxText)}
	}
	return valid.ID("openid", t.OpenID)
}
