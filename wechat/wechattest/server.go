// Package wechattest is a WeChat that runs in a test: a server that answers as the documents of
// WeChat's API say that WeChat does, with a clock of the test's.
//
//	fake := wechattest.NewServer(&wechattest.Options{Now: clock})
//	defer fake.Close()
//	fake.AddApp(wechattest.App{ID: "wx0123456789abcdef", Secret: "secret"})
//	app := wechat.App{ID: "wx0123456789abcdef", Secret: "secret"}
//	client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL})
package wechattest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Options configures a Server. Nil and zero fields mean the documented defaults.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now
}

// An App is an app as WeChat has it.
type App struct {
	ID        string   // AppID
	Secret    string   // AppSecret
	Frozen    bool     // the secret is
	Addresses []string // addresses that may ask for tokens; none: all
}

// A Server is a WeChat. Its methods may be called at once.
type Server struct {
	URL string // address of the API, for wechat.Options.Base

	http *httptest.Server
	now  func() time.Time

	mu       sync.Mutex
	apps     map[string]*app
	faults   map[string][]Fault
	calls    map[string]int
	quotas   map[string]int // calls a minute, by path
	minute   time.Time      // that used counts calls of
	used     map[string]int
	from     string               // address that requests come from
	grants   map[string]*grant    // by code
	visits   map[string]time.Time // by OpenID: when the user was in the app last
	keys     []string             // of sessions
	sessions map[string]string    // their keys, by OpenID: the last of each user
	words    map[string]string    // what texts with them are answered with
	pages    []string             // of the published app; none: all
	serial   int
}

// An app with what WeChat keeps of it.
type app struct {
	App
	legacy issued // of /cgi-bin/token
	stable issued // of /cgi-bin/stable_token
	forced []time.Time

	templates map[string]Template
	consents  map[consent]int // messages that may be sent
	inboxes   map[string][]Message
	pushes    []string // events that are to be pushed
	lost      []string // codes of the messages that are to be lost
}

// issued are the tokens of one way to get them.
type issued struct {
	last, before token
}

type token struct {
	text    string
	expires time.Time
}

// The lives of tokens, by WeChat's documents.
const (
	Life    = 2 * time.Hour
	Overlap = 5 * time.Minute // in which the token before is good too
)

// NewServer starts a server on a free port of the loopback address. Close ends it.
func NewServer(opts *Options) *Server {
	o := cmp.Or(opts, &Options{})
	s := &Server{
		now: o.Now, apps: map[string]*app{}, faults: map[string][]Fault{}, calls: map[string]int{}, quotas: map[string]int{}, from: "127.0.0.1",
		grants: map[string]*grant{}, visits: map[string]time.Time{}, sessions: map[string]string{}, words: map[string]string{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/cgi-bin/token", s.token)
	mux.HandleFunc("/cgi-bin/stable_token", s.stableToken)
	for path, handler := range map[string]http.HandlerFunc{
		"/sns/jscode2session": s.codeToSession, "/wxa/business/getuserphonenumber": s.phone, "/wxa/msg_sec_check": s.checkText,
		"/wxa/getwxacodeunlimit": s.draw, "/wxa/generate_urllink": s.link, "/wxa/genwxashortlink": s.shortLink,
		"/wxa/checksession": s.checkSession, "/cgi-bin/message/subscribe/send": s.subscribeSend,
	} {
		mux.HandleFunc(path, handler)
	}
	mux.HandleFunc("/cgi-bin/getcallbackip", func(w http.ResponseWriter, r *http.Request) {
		if s.authorized(w, r) != nil {
			answer(w, map[string]any{"ip_list": []string{"127.0.0.1"}})
		}
	})
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.meet(w, r, mux)
	}))
	s.URL = s.http.URL
	return s
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// AddApp has the server know an app, or know it anew.
func (s *Server) AddApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[a.ID] = &app{App: a, templates: map[string]Template{}, consents: map[consent]int{}, inboxes: map[string][]Message{}}
}

// Calls returns how many requests a path has had.
func (s *Server) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// Revoke ends every token of an app, as if another service had asked for one by force.
func (s *Server) Revoke(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apps[id]; a != nil {
		a.legacy, a.stable = issued{}, issued{}
	}
}

// Quota has a path answer so many requests a minute, and no more.
func (s *Server) Quota(path string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quotas[path] = n
}

// From says which address requests come from, for App.Addresses. Without a call it is 127.0.0.1.
func (s *Server) From(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = address
}

// A Fault is what a request meets in the place of an answer.
type Fault struct {
	Status int           // of HTTP; 0: 200
	Code   int64         // errcode; 0: Body is the answer
	Body   string        // as "<html>bad gateway</html>"
	Hang   time.Duration // before the answer
	Cut    bool          // the connection ends without an answer
	After  bool          // what was asked for is done before that
	Half   bool          // what was asked for is done, and the body of the answer is its first half
}

// Fail has the next requests of a path meet faults, one each. Without faults, those that no request
// has met are forgotten.
func (s *Server) Fail(path string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(faults) == 0 {
		s.faults[path] = nil
	}
	s.faults[path] = append(s.faults[path], faults...)
}

// next counts a request, and returns the fault that it meets, and whether it is above the quota.
func (s *Server) next(path string) (f Fault, above bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[path]++
	if minute := s.now().Truncate(time.Minute); !minute.Equal(s.minute) {
		s.minute, s.used = minute, map[string]int{}
	}
	s.used[path]++
	if quota, has := s.quotas[path]; has && s.used[path] > quota {
		return Fault{}, true
	}
	if faults := s.faults[path]; len(faults) > 0 {
		f, s.faults[path] = faults[0], faults[1:]
	}
	return f, false
}

// meet answers a request, by the fault that it meets or as h does.
func (s *Server) meet(w http.ResponseWriter, r *http.Request, h http.Handler) {
	f, above := s.next(r.URL.Path)
	if above {
		s.refuse(w, 45009, "reach max api daily quota limit")
		return
	}
	var done *httptest.ResponseRecorder
	if f.After || f.Half {
		done = httptest.NewRecorder()
		h.ServeHTTP(done, r)
	}
	if f.Hang > 0 {
		select {
		case <-time.After(f.Hang):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Half:
		w.Header().Set("Content-Type", done.Header().Get("Content-Type"))
		_, _ = w.Write(done.Body.Bytes()[:done.Body.Len()/2])
	case f.Code != 0:
		s.refuse(w, f.Code, "fault")
	case f.Status != 0 || f.Body != "":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
		_, _ = io.WriteString(w, f.Body)
	case done != nil:
		w.Header().Set("Content-Type", done.Header().Get("Content-Type"))
		_, _ = w.Write(done.Body.Bytes())
	default:
		h.ServeHTTP(w, r)
	}
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.credentials(w, q.Get("appid"), q.Get("secret"), q.Get("grant_type"))
	if a == nil {
		return
	}
	now := s.now()
	a.legacy = issued{s.newToken(now), a.legacy.last.until(now.Add(Overlap))}
	answer(w, map[string]any{"access_token": a.legacy.last.text, "expires_in": int(Life / time.Second)})
}

func (s *Server) stableToken(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Grant  string `json:"grant_type"`
		ID     string `json:"appid"`
		Secret string `json:"secret"`
		Force  bool   `json:"force_refresh"`
	}
	if r.Method != http.MethodPost {
		s.refuse(w, 43002, "require POST method")
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		s.refuse(w, 47001, "data format error")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.credentials(w, asked.ID, asked.Secret, asked.Grant)
	if a == nil {
		return
	}
	now := s.now()
	if asked.Force && a.mayForce(now) {
		a.forced = append(a.forced, now)
		a.stable = issued{last: s.newToken(now)}
	}
	if left := a.stable.last.expires.Sub(now); left <= Overlap {
		a.stable = issued{s.newToken(now), a.stable.last.until(now.Add(Overlap))}
	}
	left := a.stable.last.expires.Sub(now)
	answer(w, map[string]any{"access_token": a.stable.last.text, "expires_in": int(left / time.Second)})
}

// mayForce reports whether a token may be asked for by force: 20 times a day, 30 seconds apart.
func (a *app) mayForce(now time.Time) bool {
	a.forced = slices.DeleteFunc(a.forced, func(at time.Time) bool { return now.Sub(at) >= 24*time.Hour })
	n := len(a.forced)
	return n < 20 && (n == 0 || now.Sub(a.forced[n-1]) >= 30*time.Second)
}

// credentials returns the app, or answers why there is none. The server is locked.
func (s *Server) credentials(w http.ResponseWriter, id, secret, grant string) *app {
	a := s.apps[id]
	switch {
	case id == "":
		s.refuseLocked(w, 41002, "appid missing")
	case secret == "":
		s.refuseLocked(w, 41004, "appsecret missing")
	case grant != "client_credential":
		s.refuseLocked(w, 40002, "invalid grant_type")
	case a == nil:
		s.refuseLocked(w, 40013, "invalid appid")
	case a.Secret != secret:
		s.refuseLocked(w, 40125, "invalid appsecret, view more at http://t.cn/RAEkdVq")
	case a.Frozen:
		s.refuseLocked(w, 40243, "appsecret is frozen")
	case len(a.Addresses) > 0 && !slices.Contains(a.Addresses, s.from):
		s.refuseLocked(w, 40164, fmt.Sprintf("invalid ip %s ipv6 ::ffff:%s, not in whitelist", s.from, s.from))
	default:
		return a
	}
	return nil
}

// authorized returns the app whose token a request has, where it is good, or answers why it has
// none.
func (s *Server) authorized(w http.ResponseWriter, r *http.Request) *app {
	text := r.URL.Query().Get("access_token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == "" {
		s.refuseLocked(w, 41001, "access_token missing")
		return nil
	}
	now := s.now()
	for _, a := range s.apps {
		for _, t := range []token{a.legacy.last, a.legacy.before, a.stable.last, a.stable.before} {
			switch {
			case t.text != text:
			case now.Before(t.expires):
				return a
			default:
				s.refuseLocked(w, 42001, "access_token expired")
				return nil
			}
		}
	}
	s.refuseLocked(w, 40001, "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, "+
		"more details at https://mmbizurl.cn/s/JtxxFh33r")
	return nil
}

func (s *Server) newToken(now time.Time) token {
	s.serial++
	return token{fmt.Sprintf("%d_%064d", 80+s.serial%10, s.serial), now.Add(Life)}
}

// until returns a token that ends at that time at the latest.
func (t token) until(at time.Time) token {
	if at.Before(t.expires) {
		t.expires = at
	}
	return t
}

func (s *Server) refuse(w http.ResponseWriter, code int64, msg string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuseLocked(w, code, msg)
}

func (s *Server) refuseLocked(w http.ResponseWriter, code int64, msg string) {
	s.serial++
	answer(w, map[string]any{"errcode": code, "errmsg": fmt.Sprintf("%s rid: %08x-%08x-%08x", msg, s.now().Unix(), s.serial, code)})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; encoding=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
