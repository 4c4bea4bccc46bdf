package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	pointtill "github.com/scrmkit/scrmkit/loyalty/till"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/activation"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	stamptill "github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// Config says where a Server keeps things, who it trusts and how much it takes on.
type Config struct {
	SQLite   string // path of the file
	Postgres string // URL; "": SQLite
	Secret   []byte // key of codes and of what is stored of customers; nil: see Command server
	Log      *slog.Logger

	AdminToken string         // 32 characters at least; "": nobody is admin
	WeChat     WeChat         // the Mini Program; zero: none, or the one of the demo
	Sender     message.Sender // of the codes that customers ask for; nil: none is sent
	Demo       bool           // prepares the demo, and takes its tokens

	Timeout  time.Duration // of a request; 0: 10 s
	InFlight int           // requests at a time; 0: 256
}

// A Server is the product. It is safe for concurrent use.
type Server struct {
	cfg        Config
	sql        *bun.DB
	db         storage.DB
	shops      *shop.Engine
	codes      *otp.Engine
	cards      *stamps.Engine
	stampTill  *stamptill.Till
	points     *loyalty.Engine
	rewards    *reward.Engine
	redemption *redemption.Desk
	pointTill  *pointtill.Till

	activation *activation.Engine
	leads      *lead.Engine
	routing    *routing.Engine
	tickets    *ticket.Engine
	desk       *desk.Desk

	customers *customers.Engine
	sessions  *session.Engine
	delivery  *delivery.Engine
	signin    *signin.Flow
	wechat    *weChat            // nil: there is no Mini Program
	phones    *wechattest.Server // the WeChat of the demo; nil: it is the one that the configuration says
	tokens    map[tokenHash]principal

	mux   *http.ServeMux
	slots chan struct{} // one for each request in flight

	stop context.CancelFunc // of the work behind
	work sync.WaitGroup
}

// New opens the database, prepares the demo where there is one, and begins the work behind. The
// caller closes the server.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	cfg.InFlight = cmp.Or(cfg.InFlight, 256)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	known, err := tokens(cfg)
	if err = errors.Join(err, cfg.WeChat.check()); err != nil {
		return nil, err
	}
	key, err := serverKey(cfg)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, sql: db, tokens: known, slots: make(chan struct{}, cfg.InFlight)}
	if err := s.prepare(ctx, []secret.Key{{ID: "1", Secret: key}}); err != nil {
		return nil, errors.Join(err, s.shut())
	}
	s.mux = s.routes()
	behind, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.work.Go(func() { s.repeat(behind, time.Minute, "tidying failed", s.tidy) })
	if cfg.Sender != nil {
		s.work.Go(func() { s.repeat(behind, time.Second, "delivery failed", s.deliver) })
	}
	if s.wechat != nil {
		s.work.Go(func() { s.repeat(behind, time.Second, "telling customers failed", s.wechat.tell) })
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context, keys []secret.Key) (err error) {
	if s.db, err = bunstore.New(s.sql, &bunstore.Options{Logger: s.cfg.Log}); err != nil {
		return err
	}
	s.shops = shop.New(s.db, &shop.Options{PressKeys: keys})
	s.cards = stamps.New(s.db, nil)
	s.points = loyalty.New(s.db, nil)
	if s.codes, err = otp.New(s.db, keys, nil); err != nil {
		return err
	}
	if s.rewards, err = reward.New(s.db, keys, nil); err != nil {
		return err
	}
	if s.activation, err = activation.New(s.db, keys, nil); err != nil {
		return err
	}
	if s.tickets, err = ticket.New(s.db, keys, &ticket.Options{Logger: s.cfg.Log}); err != nil {
		return err
	}
	s.leads, s.routing = lead.New(s.db, nil), routing.New(s.db, &routing.Options{Keys: keys})
	s.desk = desk.New(s.db, desk.Parts{Codes: s.activation, Leads: s.leads, Lines: s.routing, Tickets: s.tickets}, nil)
	s.redemption = redemption.New(s.db, s.points, s.rewards, nil)
	s.stampTill = stamptill.New(s.db, s.shops, s.codes, s.cards, nil)
	s.pointTill = pointtill.New(s.db, s.shops, s.codes, s.rewards, nil)
	if err = s.prepareSignIn(keys); err != nil || !s.cfg.Demo {
		return err
	}
	return s.demo(ctx)
}

// prepareSignIn makes what signs customers in.
func (s *Server) prepareSignIn(keys []secret.Key) (err error) {
	if s.customers, err = customers.New(s.db, keys, nil); err != nil {
		return err
	}
	if s.sessions, err = session.New(s.db, "customer", nil); err != nil {
		return err
	}
	if s.delivery, err = delivery.New(s.db, keys, nil); err != nil {
		return err
	}
	if s.cfg.Demo && !s.cfg.WeChat.set() {
		s.phones, s.cfg.WeChat = demoWeChat()
	}
	var app *miniprogram.Engine
	if s.cfg.WeChat.set() {
		if s.wechat, err = s.newWeChat(keys); err != nil {
			return err
		}
		app = s.wechat.app
	}
	s.signin = signin.New(s.db, s.customers, s.sessions, app, s.delivery, &signin.Options{Unlinked: unlinkedTemplate})
	return nil
}

// repeat does some of the work behind, until ctx ends.
func (s *Server) repeat(ctx context.Context, every time.Duration, failed string, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, failed, "err", err)
		}
	}
}

// tidy writes down what lapsed, deletes what is over, and handles what was pushed and who waits.
func (s *Server) tidy(ctx context.Context) error {
	_, err1 := s.codes.Prune(ctx, time.Now())
	_, err2 := s.cards.Sweep(ctx, maxSweep)
	_, err3 := s.points.Sweep(ctx, maxSweep)
	_, err4 := s.rewards.Sweep(ctx, maxSweep)
	_, err5 := s.activation.Sweep(ctx, maxSweep)
	_, err6 := s.desk.Recall(ctx)
	err7 := s.processReceived(ctx)
	err8 := s.tidyCustomers(ctx, time.Now())
	return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, s.drainAll(ctx))
}

// processReceived processes the tickets that were received, in the order in which they came.
func (s *Server) processReceived(ctx context.Context) error {
	q := ticket.Query{State: ticket.Received, Limit: maxSweep}
	var failed []error
	for {
		_, next, err := s.process(ctx, q)
		failed = append(failed, err)
		if next.IsZero() || ctx.Err() != nil {
			return errors.Join(failed...)
		}
		q.From = next
	}
}

// drainAll serves those who wait, in every line where that can be done.
func (s *Server) drainAll(ctx context.Context) error {
	var failed []error
	for l, err := range s.routing.Lines(ctx) {
		if err == nil && l.Waiting > 0 {
			_, err = s.desk.Drain(ctx, l.ID)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("line %s: %w", l.ID, err))
		}
	}
	return errors.Join(failed...)
}

// Serve answers requests until ctx ends, and then finishes those in flight. It closes ln.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return srv.Shutdown(last)
}

// Close ends the work behind and closes the database. No request may be in flight.
func (s *Server) Close() error {
	s.stop()
	s.work.Wait()
	if s.wechat != nil {
		_ = s.wechat.entries.Release(context.Background()) // it ends by itself
	}
	return s.shut()
}

func (s *Server) shut() error {
	if s.phones != nil {
		s.phones.Close()
	}
	return s.sql.Close()
}
