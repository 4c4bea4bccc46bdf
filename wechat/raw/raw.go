package raw

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/silenceper/wechat/v2/miniprogram"
	"github.com/silenceper/wechat/v2/miniprogram/config"

	"github.com/scrmkit/scrmkit/wechat"
)

// MiniProgram returns silenceper's object for the app of a client, with the client's access tokens.
// It has no AppSecret, so that calls which are made with it, as sign-ins, are refused by WeChat;
// they are those of wechat/miniprogram. A call waits for a token as long as ctx allows, so it is
// mostly made for one request.
func MiniProgram(ctx context.Context, client *wechat.Client) *miniprogram.MiniProgram {
	p := miniprogram.NewMiniProgram(&config.Config{AppID: client.App(), Cache: noCache{}})
	p.SetAccessTokenContextHandle(tokens{ctx, client})
	return p
}

// tokens are the access tokens of a client, as silenceper asks for them.
type tokens struct {
	ctx    context.Context
	client *wechat.Client
}

func (t tokens) GetAccessToken() (string, error) { return t.client.Token(t.ctx) }

func (t tokens) GetAccessTokenContext(ctx context.Context) (string, error) {
	return t.client.Token(ctx)
}

// A noCache keeps nothing: silenceper wants a cache for tokens of its own, which are not asked for.
type noCache struct{}

func (noCache) Get(string) any                       { return nil }
func (noCache) Set(string, any, time.Duration) error { return nil }
func (noCache) IsExist(string) bool                  { return false }
func (noCache) Delete(string) error                  { return nil }

var secrets = regexp.MustCompile(`(?i)(\b(?:access_token|secret|js_code|session_key|signature|code)(?:=|%3D|"\s*:\s*"))[^&"\s]*`)

// Redact returns an error with the text of err, but for the values of access tokens, secrets and
// codes that silenceper leaves in it: what may be logged. It wraps nothing, so that nothing behind
// it is logged either.
func Redact(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(secrets.ReplaceAllString(err.Error(), "${1}[secret]"))
}
