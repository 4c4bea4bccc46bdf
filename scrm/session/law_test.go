package session_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
)

// A known is a session of the model, which is a list.
type known struct {
	session.Session
	token string
	gone  bool // it was ended, revoked or pruned
}

// A model does what the package says, in the simplest way.
type model struct {
	at     *clock
	policy session.Policy
	all    []*known
	tokens []string // that were ever given
	last   map[session.Subject]session.ID
}

func (m *model) live(k *known) bool {
	now := m.at.now()
	return !k.gone && now.Before(k.Started.Add(m.policy.Lifetime)) && now.Before(k.Seen.Add(m.policy.Idle))
}

// of returns the live sessions of a subject.
func (m *model) of(s session.Subject) (all []*known) {
	for _, k := range m.all {
		if k.Subject == s && m.live(k) {
			all = append(all, k)
		}
	}
	return all
}

// with returns the live session of a token.
func (m *model) with(token string) *known {
	for _, k := range m.all {
		if k.token == token && m.live(k) {
			return k
		}
	}
	return nil
}

func (m *model) check(token string) *known {
	k := m.with(token)
	if k != nil && m.at.now().Sub(k.Seen) >= m.policy.Idle/10 {
		k.Seen = m.at.now()
	}
	return k
}

func (m *model) given(token string) { m.tokens = append(m.tokens, token) }

// shown returns the sessions as the engine shows them.
func (m *model) shown(all ...*known) (out []session.Session) {
	for _, k := range all {
		s := k.Session
		s.Expires = s.Started.Add(m.policy.Lifetime)
		if idle := s.Seen.Add(m.policy.Idle); idle.Before(s.Expires) {
			s.Expires = idle
		}
		out = append(out, s)
	}
	return out
}

// TestLaws: on any history the engine gives what the model gives.
func TestLaws(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		rapid.Check(t, func(t *rapid.T) {
			m := &model{at: newClock(), policy: short, last: map[session.Subject]session.ID{}}
			e, err := session.New(db.Tenant(rand.Text()), "customer", &session.Options{Now: m.at.now, Policy: m.policy})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			same := func(what string, got, want []session.Session, err error) {
				t.Helper()
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s: %+v, %v, want %+v", what, got, err, want)
				}
			}
			invalid := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, session.ErrInvalid) {
					t.Fatalf("%s: %v", what, err)
				}
			}
			subject := func(t *rapid.T) session.Subject {
				return rapid.SampledFrom([]session.Subject{"alice", "bob"}).Draw(t, "subject")
			}
			token := func(t *rapid.T) string {
				return rapid.SampledFrom(append([]string{session.TokenPrefix}, m.tokens...)).Draw(t, "token")
			}
			check := func(what, token string) {
				t.Helper()
				got, err := e.Check(ctx, token)
				if k := m.check(token); k != nil {
					same(what, []session.Session{got}, m.shown(k), err)
				} else {
					invalid(what, err)
				}
			}
			t.Repeat(map[string]func(*rapid.T){
				"start": func(t *rapid.T) {
					c := session.Start{Subject: subject(t), Way: "sms"}
					out, err := e.Start(ctx, c)
					live := m.of(c.Subject)
					for _, k := range m.all { // those that have lapsed are over for good
						k.gone = k.gone || k.Subject == c.Subject && !m.live(k)
					}
					slices.SortStableFunc(live, func(a, b *known) int { return a.Seen.Compare(b.Seen) })
					evicted := live[:max(0, len(live)+1-m.policy.Sessions)]
					same("evicted", out.Evicted, m.shown(evicted...), err)
					for _, k := range evicted {
						k.gone = true
					}
					m.last[c.Subject]++
					k := &known{Session: session.Session{Subject: c.Subject, ID: m.last[c.Subject], Way: "sms", Started: m.at.now(), Seen: m.at.now()}, token: out.Token}
					m.all = append(m.all, k)
					m.given(out.Token)
					same("started", []session.Session{out.Session}, m.shown(k), nil)
				},
				"check": func(t *rapid.T) { check("check", token(t)) },
				"check each": func(t *rapid.T) {
					tokens := rapid.SliceOfN(rapid.Custom(token), 0, 4).Draw(t, "tokens")
					got, failed, err := e.CheckEach(ctx, tokens)
					if err != nil {
						t.Fatal(err)
					}
					for i, token := range tokens {
						if k := m.check(token); k == nil {
							invalid("check each", failed[i])
						} else {
							same("check each", got[i:i+1], m.shown(k), failed[i])
						}
					}
				},
				"rotate": func(t *rapid.T) {
					old := token(t)
					out, err := e.Rotate(ctx, old)
					k := m.with(old)
					if k == nil {
						invalid("rotate", err)
						return
					}
					m.last[k.Subject]++
					if k.token = out.Token; k.Seen.Before(m.at.now()) {
						k.Seen = m.at.now()
					}
					m.given(out.Token)
					same("rotate", []session.Session{out.Session}, m.shown(k), err)
				},
				"end": func(t *rapid.T) {
					token := token(t)
					out, err := e.End(ctx, token)
					k := m.with(token)
					if k == nil {
						invalid("end", err)
						return
					}
					m.last[k.Subject]++
					k.gone = true
					same("end", []session.Session{out}, m.shown(k), err)
				},
				"revoke": func(t *rapid.T) {
					n++
					c := session.Revoke{Subject: subject(t), ID: session.ID(rapid.Int64Range(1, 9).Draw(t, "id")), Key: fmt.Sprint(n)}
					out, err := e.Revoke(ctx, c)
					i := slices.IndexFunc(m.all, func(k *known) bool { return k.Subject == c.Subject && k.ID == c.ID && !k.gone })
					if i < 0 {
						if !errors.Is(err, session.ErrUnknown) {
							t.Fatal(err)
						}
						return
					}
					m.last[c.Subject]++
					m.all[i].gone = true
					same("revoke", out.Sessions, m.shown(m.all[i]), err)
				},
				"revoke all": func(t *rapid.T) {
					n++
					c := session.RevokeAll{Subject: subject(t), Except: session.ID(rapid.Int64Range(0, 9).Draw(t, "except")), Key: fmt.Sprint(n)}
					var want []*known
					for _, k := range m.all {
						if k.Subject == c.Subject && k.ID != c.Except && !k.gone {
							k.gone = true
							want = append(want, k)
						}
					}
					m.last[c.Subject]++
					for i := range 2 {
						out, err := e.RevokeAll(ctx, c)
						if same("revoke all", out.Sessions, m.shown(want...), err); out.Replayed != (i == 1) {
							t.Fatalf("replayed: %t", out.Replayed)
						}
					}
				},
				"time": func(t *rapid.T) {
					m.at.pass(rapid.SampledFrom([]time.Duration{
						-time.Minute, time.Microsecond, m.policy.Idle/10 - 1000, m.policy.Idle / 10, time.Minute, m.policy.Idle, m.policy.Lifetime,
					}).Draw(t, "passes"))
				},
				"prune": func(t *rapid.T) {
					if _, err := e.Prune(ctx); err != nil {
						t.Fatal(err)
					}
					for _, k := range m.all {
						k.gone = k.gone || k.Seen.Before(m.at.now().Add(-m.policy.Idle))
					}
				},
				"list": func(t *rapid.T) {
					s := subject(t)
					got, err := e.List(ctx, s)
					if same("list", got, m.shown(m.of(s)...), err); len(got) > m.policy.Sessions {
						t.Fatalf("%d sessions", len(got))
					}
				},
			})
			for _, token := range m.tokens {
				check("at the end", token)
			}
		})
	})
}
