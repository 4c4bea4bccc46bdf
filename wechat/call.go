package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// A Call is one call of the API.
type Call struct {
	Path   string     // as "/wxa/getwxacodeunlimit"
	Query  url.Values // beside the credentials, which the client adds
	Body   any        // sent as JSON; nil: it is a GET
	Secret bool       // it goes with the AppID and the secret, and not with the access token
	Read   bool       // it changes nothing, so that it is made again where WeChat is busy
}

// maxAnswer is how many bytes an answer may have: pictures of codes have some 100 KB.
const maxAnswer = 4 << 20

// Reads is how often a Call with Read is made in all where WeChat is busy.
const Reads = 3

// Do makes a call and reads the answer, which is JSON, into out. Where WeChat refuses the access
// token, it is made once more with another one. Errors: *Error; ErrUnavailable, after which a call
// that changes something may have done so; the context's.
func (c *Client) Do(ctx context.Context, call Call, out any) (err error) {
	ctx, op := c.frame.Begin(ctx, "wechat"+call.Path, "")
	defer op.End(&err)
	body, _, err := c.do(ctx, call, &op.Attempts)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("wechat: %s: %w: the answer is not as documented", call.Path, ErrUnavailable)
	}
	return nil
}

// File makes a call whose answer is a file, and returns it with its media type. Errors: those of
// Do.
func (c *Client) File(ctx context.Context, call Call) (file []byte, mediaType string, err error) {
	ctx, op := c.frame.Begin(ctx, "wechat"+call.Path, "")
	defer op.End(&err)
	file, mediaType, err = c.do(ctx, call, &op.Attempts)
	if err == nil && (mediaType == "application/json" || len(file) == 0) {
		err = fmt.Errorf("wechat: %s: %w: the answer is not as documented", call.Path, ErrUnavailable)
	}
	return file, mediaType, err
}

// do makes a call as often as it may be made.
func (c *Client) do(ctx context.Context, call Call, attempts *int) (body []byte, mediaType string, err error) {
	if err := c.outside(ctx); err != nil {
		return nil, "", err
	}
	var sent []byte
	if call.Body != nil {
		if sent, err = json.Marshal(call.Body); err != nil {
			return nil, "", fmt.Errorf("wechat: %s: %w", call.Path, err)
		}
	}
	refused, busy := false, 0
	for {
		token := ""
		if !call.Secret {
			if token, err = c.tokens.Token(ctx); err != nil {
				return nil, "", err
			}
		}
		*attempts++
		body, mediaType, err = c.once(ctx, call, token, sent)
		switch {
		case errors.Is(err, ErrTokenInvalid) && !call.Secret && !refused:
			refused = true
			if err := c.tokens.Refused(ctx, token); err != nil {
				return nil, "", err
			}
		case errors.Is(err, ErrBusy) && call.Read && busy < Reads-1:
			busy++
			if err := pause(ctx, 100*time.Millisecond<<busy); err != nil {
				return nil, "", err
			}
		default:
			return body, mediaType, err
		}
	}
}

// once makes a call once.
func (c *Client) once(ctx context.Context, call Call, token string, sent []byte) (body []byte, mediaType string, err error) {
	q := url.Values{}
	for k, v := range call.Query {
		q[k] = v
	}
	if call.Secret {
		q.Set("appid", c.app.ID)
		q.Set("secret", c.app.Secret)
	} else {
		q.Set("access_token", token)
	}
	return c.send(ctx, call.Path, q, sent, token, c.app.Secret)
}

// send sends a request, a GET where it has no body, and returns the answer. No error has one of the
// secrets, or the address, in it.
func (c *Client) send(ctx context.Context, path string, q url.Values, sent []byte, secrets ...string) (body []byte, mediaType string, err error) {
	method, from := http.MethodGet, io.Reader(http.NoBody)
	if sent != nil {
		method, from = http.MethodPost, bytes.NewReader(sent)
	}
	unavailable := func(why string) error { return fmt.Errorf("wechat: %s: %w: %s", path, ErrUnavailable, why) }
	address := c.base + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, from)
	if err != nil {
		return nil, "", unavailable("the address is none")
	}
	if sent != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return nil, "", fmt.Errorf("wechat: %s: %w: %w", path, ErrUnavailable, cause)
		}
		return nil, "", unavailable("the connection failed")
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return nil, "", fmt.Errorf("wechat: %s: %w: %w", path, ErrUnavailable, ctx.Err())
	case err != nil:
		return nil, "", unavailable("the answer broke off")
	case len(body) > maxAnswer:
		return nil, "", unavailable("the answer is too long")
	case answer.StatusCode != http.StatusOK:
		return nil, "", unavailable(fmt.Sprint("status ", answer.StatusCode))
	}
	mediaType, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		if mediaType == "image/jpeg" || mediaType == "image/png" {
			return body, mediaType, nil
		}
		return nil, "", unavailable("the answer is no JSON")
	}
	var said struct {
		Code int64  `json:"errcode"`
		Msg  string `json:"errmsg"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, "", unavailable("the answer is no JSON")
	}
	if said.Code != 0 {
		return nil, "", newError(path, said.Code, said.Msg, secrets...)
	}
	return body, "application/json", nil
}

// pause waits for about that time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
