package wechat

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// How access tokens are kept.
const (
	// Memo is how long a process goes by a token without a look at the database: what WeChat allows
	// to workers of a central server.
	Memo = time.Minute
	// Ahead is how long before it ends a token is replaced: WeChat gives a new one 5 minutes ahead,
	// and both are good meanwhile.
	Ahead = 5 * time.Minute
	// Lease is how long one process alone gets the next token.
	Lease = 15 * time.Second
	// ForceWait and ForceDay bound how often a token is asked for by force: WeChat takes no more
	// than one in 30 seconds and 20 a day.
	ForceWait = 30 * time.Second
	ForceDay  = 20
	// RefusedWait is how long WeChat is not asked again for a token that it refused to give: for a
	// wrong secret, for an address that is not allowed or for having been asked too often.
	RefusedWait = time.Minute
)

// maxLife bounds how long a token is believed to live, whatever an answer says: it is 2 hours.
const maxLife = 3 * time.Hour

// A good token of a process.
type good struct {
	token string
	until time.Time // then it looks at the database again
	ends  time.Time
}

// tokens is the TokenSource of a Client.
type tokens struct {
	c     *Client
	key   string // of the row
	owner string // this process
	boxes []sealer

	memo atomic.Pointer[good]

	mu      sync.Mutex
	flight  *flight
	refused error     // why WeChat gives no token
	again   time.Time // until when that is the answer
}

type sealer struct {
	id string
	keyring.Box
}

// A flight is a look for a token that callers wait for.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

func newTokens(c *Client, keys []secret.Key) *tokens {
	hash := sha256.Sum256([]byte(c.app.Secret))
	t := &tokens{c: c, key: "app " + c.app.ID + " " + hex.EncodeToString(hash[:8]), owner: rand.Text()}
	for _, k := range keys {
		t.boxes = append(t.boxes, sealer{k.ID, keyring.NewBox(k.Secret, "wechat.v1 token")})
	}
	return t
}

// Token implements [TokenSource].
func (t *tokens) Token(ctx context.Context) (string, error) {
	now := t.c.frame.Now()
	m := t.memo.Load()
	if m != nil && now.Before(m.until) {
		return m.token, nil
	}
	f := t.join()
	if m != nil && now.Before(m.ends) {
		return m.token, nil // it is good while another one is looked for
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", fmt.Errorf("wechat: wait for an access token: %w", ctx.Err())
	}
}

// join returns the flight that is under way, or begins one. It goes on where its callers give up,
// and is no part of what they do, as of a transaction.
func (t *tokens) join() *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flight != nil {
		return t.flight
	}
	f := &flight{done: make(chan struct{})}
	if t.refused != nil && t.c.frame.Now().Before(t.again) {
		f.err = t.refused
		close(f.done)
		return f
	}
	t.flight = f
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), Lease+Timeout)
		defer cancel()
		f.token, f.err = t.look(ctx)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.flight, t.refused = nil, nil
		if errors.Is(f.err, ErrBadSecret) || errors.Is(f.err, ErrIPNotAllowed) || errors.Is(f.err, ErrRateLimited) {
			t.refused, t.again = f.err, t.c.frame.Now().Add(RefusedWait)
		}
		close(f.done)
	}()
	return f
}

// look returns the token of the database, or gets the next one.
func (t *tokens) look(ctx context.Context) (string, error) {
	for {
		row, err := t.load(ctx)
		if err != nil {
			return t.alone(ctx, err)
		}
		now := t.c.frame.Now()
		token := t.open(row)
		if token != "" && now.Before(due(row)) {
			t.remember(token, row, now.Add(Memo))
			return token, nil
		}
		if row.Owner != t.owner && now.Before(row.Lease) {
			if token != "" && now.Before(row.Expires) {
				t.remember(token, row, now.Add(time.Second))
				return token, nil
			}
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return "", fmt.Errorf("wechat: wait for an access token: %w", err)
			}
			continue
		}
		row.Owner, row.Lease = t.owner, journal.Instant(now.Add(Lease))
		switch stored, err := t.save(ctx, &row); {
		case err != nil:
			return t.alone(ctx, err)
		case !stored:
			continue // another process has the lease
		}
		next, err := t.next(ctx, &row)
		if err != nil {
			row.Lease = time.Time{}
			_, _ = t.save(ctx, &row) // the lease ends by itself
			if token != "" && now.Before(row.Expires) && !errors.Is(err, ErrTokenInvalid) {
				t.c.log.WarnContext(ctx, "wechat: the next access token is not to be had", "app", t.c.app.ID, "error", err)
				t.remember(token, row, now.Add(time.Second))
				return token, nil
			}
			return "", err
		}
		return next, nil
	}
}

// due returns when the token of a row is to be replaced.
func due(row tokenRow) time.Time {
	life := row.Expires.Sub(row.Obtained)
	early := min(Ahead+mathrand.N(Ahead/5), life/2)
	return row.Expires.Add(-early)
}

// next gets the next token and stores it in the row, whose lease the process has.
func (t *tokens) next(ctx context.Context, row *tokenRow) (string, error) {
	token, life, asked, err := t.fetch(ctx, false)
	if err == nil && len(row.Bad) > 0 && bytes.Equal(hashOf(token), row.Bad) {
		if token, life, asked, err = t.force(ctx, row); err == nil && bytes.Equal(hashOf(token), row.Bad) {
			err = fmt.Errorf("wechat: %s: %w", t.path(), ErrTokenInvalid)
		}
	}
	if err != nil {
		return "", err
	}
	box := t.boxes[0]
	for {
		row.KeyID, row.Sealed = box.id, box.Seal([]byte(token), t.context())
		row.Obtained, row.Expires, row.Lease = asked, journal.Instant(asked.Add(life)), time.Time{}
		stored, err := t.save(ctx, row)
		var now tokenRow
		if !stored && err == nil {
			now, err = t.load(ctx)
		}
		if stored || err != nil {
			if err != nil { // the token is good all the same
				t.c.log.WarnContext(ctx, "wechat: the access token is not stored", "app", t.c.app.ID, "error", err)
			}
			t.remember(token, *row, t.c.frame.Now().Add(Memo))
			return token, nil
		}
		if other := t.open(now); other != "" && now.Obtained.After(asked) { // the lease ended before the answer came
			t.remember(other, now, t.c.frame.Now().Add(Memo))
			return other, nil
		}
		*row = now
	}
}

// force asks for another token than the one that is refused, within what WeChat allows.
func (t *tokens) force(ctx context.Context, row *tokenRow) (token string, life time.Duration, asked time.Time, err error) {
	now := t.c.frame.Now()
	if day(now) != day(row.Forced) {
		row.Forces = 0
	}
	if t.c.legacy || row.Forces >= ForceDay || now.Before(row.Forced.Add(ForceWait)) {
		return "", 0, now, fmt.Errorf("wechat: %s: %w", t.path(), ErrTokenInvalid)
	}
	row.Forced, row.Forces = now, row.Forces+1
	if stored, err := t.save(ctx, row); err != nil || !stored {
		return "", 0, now, fmt.Errorf("wechat: %s: %w", t.path(), errors.Join(ErrTokenInvalid, err))
	}
	return t.fetch(ctx, true)
}

// day numbers the days of WeChat, which are those of China.
func day(at time.Time) int64 { return (at.Unix() + 8*60*60) / (24 * 60 * 60) }

// alone gets a token without the database, which can't be had: with stable_token each process is
// given the same.
func (t *tokens) alone(ctx context.Context, why error) (string, error) {
	t.c.log.WarnContext(ctx, "wechat: the access token is not shared", "app", t.c.app.ID, "error", why)
	if t.c.legacy {
		return "", fmt.Errorf("wechat: %s: %w", t.path(), why)
	}
	token, life, asked, err := t.fetch(ctx, false)
	if err == nil {
		t.remember(token, tokenRow{Obtained: asked, Expires: asked.Add(life)}, t.c.frame.Now().Add(Memo))
	}
	return token, err
}

func (t *tokens) path() string {
	if t.c.legacy {
		return tokenAPIs[0]
	}
	return tokenAPIs[1]
}

// fetch asks WeChat for a token.
func (t *tokens) fetch(ctx context.Context, force bool) (token string, life time.Duration, asked time.Time, err error) {
	asked = t.c.frame.Now()
	secret := t.c.app.Secret
	q, body := url.Values{}, []byte(nil)
	if t.c.legacy {
		q = url.Values{"grant_type": {"client_credential"}, "appid": {t.c.app.ID}, "secret": {secret}}
	} else {
		body, err = json.Marshal(map[string]any{
			"grant_type": "client_credential", "appid": t.c.app.ID, "secret": secret, "force_refresh": force,
		})
	}
	var answer []byte
	if err == nil {
		answer, _, err = t.c.send(ctx, t.path(), q, body, secret)
	}
	if err != nil {
		return "", 0, asked, err
	}
	var given struct {
		Token string `json:"access_token"`
		Life  int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(answer, &given); err != nil || given.Token == "" {
		return "", 0, asked, fmt.Errorf("wechat: %s: %w: the answer has no token", t.path(), ErrUnavailable)
	}
	life = time.Duration(max(1, min(given.Life, int64(maxLife/time.Second)))) * time.Second
	return given.Token, life, asked, nil
}

// Refused implements [TokenSource]. The stored token goes only where it is that one.
func (t *tokens) Refused(ctx context.Context, token string) error {
	if m := t.memo.Load(); m != nil && m.token == token {
		t.memo.CompareAndSwap(m, nil)
	}
	for {
		row, err := t.load(ctx)
		if err != nil {
			return fmt.Errorf("wechat: an access token is refused: %w", err)
		}
		if token == "" || t.open(row) != token {
			return nil
		}
		row.Sealed, row.Expires, row.Bad = nil, row.Obtained, hashOf(token)
		stored, err := t.save(ctx, &row)
		if err != nil {
			return fmt.Errorf("wechat: an access token is refused: %w", err)
		}
		if stored {
			return nil
		}
	}
}

// hashOf is what is kept of a token that is refused.
func hashOf(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:16]
}

func (t *tokens) remember(token string, row tokenRow, until time.Time) {
	if d := due(row); d.Before(until) && t.c.frame.Now().Before(d) {
		until = d
	}
	t.memo.Store(&good{token: token, until: earlier(until, row.Expires), ends: row.Expires})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// context is what the sealed token is of: one app of one tenant.
func (t *tokens) context() string {
	tenant := t.c.frame.Tenant()
	return fmt.Sprintf("%d %s %s", len(tenant), tenant, t.key)
}

// open returns the token of a row, or "" where it has none, or none that the keys open.
func (t *tokens) open(row tokenRow) string {
	for _, b := range t.boxes {
		if b.id == row.KeyID && len(row.Sealed) > 0 {
			token, err := b.Open(row.Sealed, t.context())
			if err == nil {
				return strings.Clone(string(token))
			}
		}
	}
	return ""
}

func (t *tokens) load(ctx context.Context) (row tokenRow, err error) {
	row.Key = t.key
	err = t.c.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{tokenRows.Get(&row)}}})
	return row, err
}

// save stores the row, and reports whether no other process changed it before.
func (t *tokens) save(ctx context.Context, row *tokenRow) (stored bool, err error) {
	row.Version++
	errs, err := t.c.frame.Store.Save(ctx, []storage.Change{{Rows: []storage.Row{tokenRows.Save(row)}}})
	if err != nil {
		return false, err
	}
	if errors.Is(errs[0], journal.ErrConflict) {
		return false, nil
	}
	return errs[0] == nil, errs[0]
}
