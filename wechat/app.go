package wechat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

// An App is what WeChat gave an app to be known by.
type App struct {
	ID     string // AppID
	Secret string // AppSecret
}

// Base is the address of WeChat's API.
const Base = "https://api.weixin.qq.com"

// Timeout is how long a call waits for WeChat at most.
const Timeout = 10 * time.Second

// Options configures a Client. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time  // the clock; nil: time.Now
	Hook   storage.Hook      // of traces and metrics; nil: none
	Logger *slog.Logger      // of what goes on without it, as a token that can't be stored; nil: nothing is logged
	HTTP   http.RoundTripper // sends requests: the place for a proxy, and for what signs and encrypts calls (服务端 API 签名); nil: http.DefaultTransport
	Base   string            // address of the API; "": Base
	Tokens TokenSource       // access tokens of somebody else's making; nil: the client gets and shares them
	Legacy bool              // gets tokens by /cgi-bin/token, where each one ends the one before, and not by stable_token
}

// A TokenSource gives the access token of an app. It is safe for concurrent use.
type TokenSource interface {
	// Token returns a token that is good as far as is known.
	Token(ctx context.Context) (string, error)
	// Refused is told a token that WeChat refused: the next one is another.
	Refused(ctx context.Context, token string) error
}

// A Client calls WeChat's API for one app. It is safe for concurrent use, and there is one a
// process. Call it outside of transactions, for WeChat may take [Timeout] to answer: within InTx it
// returns storage.ErrOutsideTx, and WeChat is not asked.
type Client struct {
	app    App
	base   string
	http   *http.Client
	frame  engine.Frame
	tokens TokenSource
	legacy bool
	log    *slog.Logger
}

var appID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// New returns a client on a store, which has the tables of this package. The first key seals the
// token; the others open what they sealed. New returns an error if the app has no AppID or secret,
// keys is empty, a key is too short, or two share an ID.
func New(s storage.Tx, app App, keys []secret.Key, opts *Options) (*Client, error) {
	o := cmp.Or(opts, &Options{})
	if !appID.MatchString(app.ID) || app.Secret == "" {
		return nil, errors.New("wechat: the AppID or the secret is missing or malformed; WeChat's console shows both")
	}
	if err := keyring.Check(keys); err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		app: app, base: cmp.Or(o.Base, Base), frame: engine.New(s, o.Now, o.Hook), tokens: o.Tokens, legacy: o.Legacy, log: log,
		http: &http.Client{
			Transport: o.HTTP, Timeout: Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if c.tokens == nil {
		c.tokens = newTokens(c, keys)
	}
	return c, nil
}

// App returns the AppID.
func (c *Client) App() string { return c.app.ID }

// Token returns the app's access token, for calls that are made without the client. A caller whose
// context ends does not wait longer for it. Errors: those of [Client.Do].
func (c *Client) Token(ctx context.Context) (string, error) {
	if err := c.outside(ctx); err != nil {
		return "", err
	}
	return c.tokens.Token(ctx)
}

// outside returns storage.ErrOutsideTx within a unit of work that the client is no part of. The
// token is got beside it, and would wait for it.
func (c *Client) outside(ctx context.Context) error {
	if err := c.frame.Store.Load(ctx, nil); errors.Is(err, storage.ErrOutsideTx) {
		return fmt.Errorf("wechat: %w", err)
	}
	return nil
}

// Refused is told an access token that WeChat refused. It is nothing where the client has another
// one already.
func (c *Client) Refused(ctx context.Context, token string) error {
	return c.tokens.Refused(ctx, token)
}
