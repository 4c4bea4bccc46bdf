package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
)

// attempts is how often a stamp is asked for, a second apart, while the server is too busy or can't
// be reached. Its key makes that safe, for nobody knows what became of a request that has no
// answer.
const attempts = 5

// A serverBook keeps the cards behind the API of examples/server.
type serverBook struct {
	client  *http.Client
	url     string
	token   string
	members []string // those that totals asks for: the API lists the cards of a member, and not of a program
}

func newServerBook(c config, sales []sale) *serverBook {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = c.callers
	b := &serverBook{
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		url:    strings.TrimRight(c.server, "/"),
		token:  c.token,
	}
	known := map[string]bool{"": true}
	for _, s := range sales {
		if !known[s.card] {
			known[s.card] = true
			b.members = append(b.members, s.card)
		}
	}
	return b
}

func (b *serverBook) close() error {
	b.client.CloseIdleConnections()
	return nil
}

func (b *serverBook) define(ctx context.Context) error {
	path := fmt.Sprintf("/programs/%s/versions/%d", program.ID, program.Version)
	_, err := b.do(ctx, http.MethodPut, path, "", program, nil)
	return err
}

func (b *serverBook) stamp(ctx context.Context, s sale) (replayed bool, err error) {
	body := struct {
		Purchase stamps.Purchase `json:"purchase"`
		At       time.Time       `json:"at"`
	}{stamps.Purchase{Amount: s.money, Currency: currency, Items: 1}, s.at.UTC()}
	path := fmt.Sprintf("/cards/%s/%s/stamps", program.ID, url.PathEscape(s.card))
	for n := 1; ; n++ {
		header, err := b.do(ctx, http.MethodPost, path, s.key, body, nil)
		var answer *statusError
		switch {
		case err == nil:
			return header.Get("Idempotency-Replayed") == "true", nil
		case errors.As(err, &answer) && answer.refuses():
			return false, &refusal{err}
		case n == attempts || answer != nil && answer.status != http.StatusServiceUnavailable:
			return false, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (b *serverBook) totals(ctx context.Context) (totals, error) {
	var t totals
	for _, m := range b.members {
		var card stamps.Card
		_, err := b.do(ctx, http.MethodGet, fmt.Sprintf("/cards/%s/%s", program.ID, url.PathEscape(m)), "", nil, &card)
		var answer *statusError
		if errors.As(err, &answer) && answer.status == http.StatusNotFound {
			continue // all of its sales were refused
		}
		if err != nil {
			return totals{}, err
		}
		t.cards++
		t.stamps += card.Total
		t.completed += card.Round
		var coupons struct{ Items []stamps.Coupon }
		path := fmt.Sprintf("/members/%s/coupons?program=%s&limit=1000", url.PathEscape(m), program.ID)
		if _, err := b.do(ctx, http.MethodGet, path, "", nil, &coupons); err != nil {
			return totals{}, err
		}
		t.coupons += int64(len(coupons.Items))
	}
	return t, nil
}

// A statusError is an answer that is no success.
type statusError struct {
	status int
	detail string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answers %d: %s", e.status, e.detail)
}

// refuses reports whether the rules don't give the stamp.
func (e *statusError) refuses() bool {
	return e.status == http.StatusConflict || e.status == http.StatusUnprocessableEntity || e.status == http.StatusTooManyRequests
}

// do sends a request, with a body and a key where they are given, and decodes the answer into
// result where it is given.
// *statusError: the answer is no success.
func (b *serverBook) do(ctx context.Context, method, path, key string, body, result any) (http.Header, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer json.RawMessage
	err = json.NewDecoder(resp.Body).Decode(&answer) // to its end, so that the connection is used again
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		_ = json.Unmarshal(answer, &problem) // a proxy's answer is no problem of the server's
		return nil, &statusError{resp.StatusCode, problem.Detail}
	}
	if err == nil && result != nil {
		err = json.Unmarshal(answer, result)
	}
	return resp.Header, err
}
