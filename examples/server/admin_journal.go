package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// maxSweep is how many cards, and how many coupons, a sweep writes down at most.
const maxSweep = 1000

type feedInput struct {
	Cursor journal.Cursor `query:"cursor" doc:"Next of the page before; the beginning where it is missing"`
	Paged
}

type subjectInput struct {
	Subject string `path:"subject" doc:"Like stamps/coffee/alice, escaped"`
	Paged
}

// A Feed is a page of the journal.
type Feed struct {
	Items []journal.Record `json:"items" nullable:"false"`
	Next  journal.Cursor   `json:"next,omitempty" doc:"Where the next page begins"`
}

// A Swept tells how many things that lapsed were written down.
type Swept struct {
	Written int `json:"written"`
}

// A Pruned tells how many rows were deleted.
type Pruned struct {
	Deleted int64 `json:"deleted"`
}

func (s *Server) journalRoutes(api huma.API) {
	op(s, api, admin, http.MethodGet, "/journal", "The journal, from a cursor on", s.feed)
	op(s, api, admin, http.MethodGet, "/journal/{subject}", "What the journal tells of a subject, the newest first", s.subject)
	op(s, api, admin, http.MethodPost, "/sweeps", "Write down what lapsed", s.sweep)
	op(s, api, admin, http.MethodPost, "/prunes", "Delete the codes that are over", s.prune)
}

func (s *Server) feed(ctx context.Context, in *feedInput) (*reply[Feed], error) {
	page := Feed{Items: []journal.Record{}, Next: in.Cursor}
	for r, err := range s.db.Journal().After(ctx, in.Cursor, in.Limit) {
		if err != nil {
			return nil, err
		}
		page.Items, page.Next = append(page.Items, r), r.Cursor
	}
	return found(page, nil)
}

func (s *Server) subject(ctx context.Context, in *subjectInput) (*reply[list[journal.Record]], error) {
	return listed(s.db.Journal().Of(ctx, in.Subject), in.Limit)
}

func (s *Server) sweep(ctx context.Context, _ *struct{}) (*reply[Swept], error) {
	cards, err1 := s.cards.Sweep(ctx, maxSweep)
	points, err2 := s.points.Sweep(ctx, maxSweep)
	vouchers, err3 := s.rewards.Sweep(ctx, maxSweep)
	return found(Swept{cards + points + vouchers}, errors.Join(err1, err2, err3))
}

func (s *Server) prune(ctx context.Context, _ *struct{}) (*reply[Pruned], error) {
	n, err := s.codes.Prune(ctx, time.Now())
	return found(Pruned{n}, err)
}
