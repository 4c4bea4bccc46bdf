package wechat_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
)

func TestKinds(t *testing.T) {
	kinds := []error{
		wechat.ErrCodeInvalid, wechat.ErrCodeUsed, wechat.ErrRateLimited, wechat.ErrRefused, wechat.ErrUserBlocked, wechat.ErrTokenInvalid,
		wechat.ErrIPNotAllowed, wechat.ErrBadSecret, wechat.ErrUnavailable, wechat.ErrBusy,
	}
	for _, c := range []struct {
		api  string
		code int64
		want error
	}{
		{"/sns/jscode2session", 40029, wechat.ErrCodeInvalid}, {"/sns/jscode2session", 40163, wechat.ErrCodeUsed},
		{"/sns/jscode2session", 45011, wechat.ErrRateLimited}, {"/wxa/getwxacodeunlimit", 45009, wechat.ErrRateLimited},
		{"/cgi-bin/message/subscribe/send", 43101, wechat.ErrRefused}, {"/sns/jscode2session", 40226, wechat.ErrUserBlocked},
		{"/wxa/getwxacodeunlimit", 40001, wechat.ErrTokenInvalid}, {"/wxa/getwxacodeunlimit", 42001, wechat.ErrTokenInvalid},
		{"/wxa/getwxacodeunlimit", 40014, wechat.ErrTokenInvalid}, {"/cgi-bin/stable_token", 40001, wechat.ErrBadSecret},
		{"/cgi-bin/token", 40001, wechat.ErrBadSecret}, {"/cgi-bin/stable_token", 40125, wechat.ErrBadSecret},
		{"/cgi-bin/stable_token", 40243, wechat.ErrBadSecret}, {"/cgi-bin/stable_token", 40164, wechat.ErrIPNotAllowed},
		{"/x", -1, wechat.ErrBusy}, {"/x", 48001, nil},
	} {
		var err error = &wechat.Error{API: c.api, Code: c.code}
		for _, kind := range kinds {
			if errors.Is(err, kind) != (kind == c.want) {
				t.Errorf("%s: %d: %v", c.api, c.code, kind)
			}
		}
		class := errs.Internal
		if c.want != nil {
			class = errs.ClassOf(c.want)
		}
		if errs.ClassOf(err) != class {
			t.Errorf("%s: %d is of class %q", c.api, c.code, errs.ClassOf(err))
		}
	}
}

// Whatever WeChat answers, a call ends with what it asked for or with an error that has no secret.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"access_token":"a","expires_in":7200}`))
	f.Add(200, "application/json", []byte(`{"errcode":40001,"errmsg":"TOPSECRET0123456789 rid: 1-2-3"}`))
	f.Add(502, "text/html", []byte(`<html>TOPSECRET0123456789`))
	f.Add(200, "image/jpeg", []byte{0xff, 0xd8})
	f.Add(200, "", []byte(` {"errcode":"x"}`))
	f.Fuzz(func(t *testing.T, status int, mediaType string, body []byte) {
		answer := transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})
		c, err := wechat.New(memory.New(), wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{HTTP: answer})
		if err != nil {
			t.Fatal(err)
		}
		token, err := c.Token(t.Context())
		_, _, err2 := c.File(t.Context(), wechat.Call{Path: "/x", Secret: true})
		err3 := c.Do(t.Context(), wechat.Call{Path: "/x", Secret: true}, &struct{}{})
		if err == nil && token == "" {
			t.Error("there is no token and no error")
		}
		for _, err := range []error{err, err2, err3} {
			if err != nil && strings.Contains(err.Error(), appSecret) {
				t.Error(err)
			}
			var e *wechat.Error
			if err != nil && !errors.As(err, &e) && !errors.Is(err, wechat.ErrUnavailable) {
				t.Error(err)
			}
		}
	})
}

// BenchmarkToken has the token from memory, as a process has it for a minute.
func BenchmarkToken(b *testing.B) {
	answer := transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"access_token":"a","expires_in":7200}`))}, nil
	})
	c, err := wechat.New(memory.New(), wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{HTTP: answer})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Token(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
