package wechattest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// CodeLife is how long a code of the front end is good.
const CodeLife = 5 * time.Minute

// A User is somebody with the Mini Program on the phone.
type User struct {
	OpenID  string // in the app
	UnionID string // in the open-platform account; "": the app is bound to none
	Phone   string // without the country's code, as "13800138000"; "": none
	Country string // of the phone; "": "86"
	Risky   bool   // WeChat takes the user for a risk
}

// A grant is what a code of the front end is good for.
type grant struct {
	app   string
	user  User
	ends  time.Time
	used  bool
	phone bool // it is that of a phone button
}

// Login is wx.login on a user's phone: it returns the code, which is good once and for CodeLife.
func (s *Server) Login(app string, u User) (code string) { return s.grant(app, u, false) }

// PressPhone is the phone button on a user's phone: it returns the code, which is good once and for
// CodeLife.
func (s *Server) PressPhone(app string, u User) (code string) { return s.grant(app, u, true) }

func (s *Server) grant(app string, u User, phone bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	code := fmt.Sprintf("0%031d", s.serial)
	s.grants[code] = &grant{app: app, user: u, ends: s.now().Add(CodeLife), phone: phone}
	if s.visits[u.OpenID].IsZero() || !phone {
		s.visits[u.OpenID] = s.now()
	}
	return code
}

func (s *Server) codeToSession(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Get("grant_type") != "authorization_code" {
		s.refuseLocked(w, 40002, "invalid grant_type")
		return
	}
	if s.credentials(w, q.Get("appid"), q.Get("secret"), "client_credential") == nil {
		return
	}
	g := s.grants[q.Get("js_code")]
	switch {
	case q.Get("js_code") == "":
		s.refuseLocked(w, 41008, "missing code")
	case g == nil || g.phone || g.app != q.Get("appid") || !s.now().Before(g.ends):
		s.refuseLocked(w, 40029, "invalid code")
	case g.used:
		s.refuseLocked(w, 40163, "code been used")
	case g.user.Risky:
		s.refuseLocked(w, 40226, "code blocked")
	default:
		g.used = true
		s.serial++
		key := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%016d", s.serial))
		out := map[string]any{"openid": g.user.OpenID, "session_key": key}
		if g.user.UnionID != "" {
			out["unionid"] = g.user.UnionID
		}
		s.keys = append(s.keys, key)
		s.sessions[g.user.OpenID] = key
		answer(w, out)
	}
}

// SessionKeys returns all session keys that the server gave: what a service must keep to itself.
func (s *Server) SessionKeys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.keys...)
}

// EndSession ends the session of a user, as WeChat does after a time of its own.
func (s *Server) EndSession(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, u.OpenID)
}

func (s *Server) checkSession(w http.ResponseWriter, r *http.Request) {
	if s.authorized(w, r) == nil {
		return
	}
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(s.sessions[q.Get("openid")]))
	switch {
	case s.visits[q.Get("openid")].IsZero():
		s.refuseLocked(w, 40003, "invalid openid")
	case q.Get("sig_method") != "hmac_sha256":
		s.refuseLocked(w, 40097, "invalid args")
	case s.sessions[q.Get("openid")] == "" || q.Get("signature") != hex.EncodeToString(mac.Sum(nil)):
		s.refuseLocked(w, 87009, "invalid signature")
	default:
		answer(w, map[string]any{"errcode": 0, "errmsg": "ok"})
	}
}

func (s *Server) phone(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Code   string `json:"code"`
		OpenID string `json:"openid"`
	}
	a := s.posted(w, r, &asked)
	if a == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants[asked.Code]
	if g == nil || !g.phone || g.used || g.app != a.ID || !s.now().Before(g.ends) || asked.OpenID != "" && asked.OpenID != g.user.OpenID {
		s.refuseLocked(w, 40029, "invalid code")
		return
	}
	g.used = true
	country := g.user.Country
	if country == "" {
		country = "86"
	}
	answer(w, map[string]any{"errcode": 0, "errmsg": "ok", "phone_info": map[string]any{
		"phoneNumber": g.user.Phone, "purePhoneNumber": g.user.Phone, "countryCode": country,
		"watermark": map[string]any{"timestamp": s.now().Unix(), "appid": a.ID},
	}})
}

func (s *Server) checkText(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		OpenID  string `json:"openid"`
		Scene   int    `json:"scene"`
		Version int    `json:"version"`
		Content string `json:"content"`
	}
	if s.posted(w, r, &asked) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	visit, known := s.visits[asked.OpenID]
	switch {
	case !known:
		s.refuseLocked(w, 40003, "invalid openid")
	case s.now().Sub(visit) > 2*time.Hour:
		s.refuseLocked(w, 61010, "code is expired")
	case asked.Version != 2 || asked.Scene < 1 || asked.Scene > 4 || asked.Content == "":
		s.refuseLocked(w, 47001, "data format error")
	default:
		suggest, label := "pass", 100
		for word, is := range s.words {
			if strings.Contains(asked.Content, word) {
				suggest, label = is, 20001
			}
		}
		answer(w, map[string]any{
			"errcode": 0, "errmsg": "ok", "result": map[string]any{"suggest": suggest, "label": label}, "trace_id": fmt.Sprint("trace-", s.serial),
		})
	}
}

// Word has texts with a word be answered with "review" or "risky".
func (s *Server) Word(word, suggest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words[word] = suggest
}

// Pages says which pages the published app has. Without a call it has all.
func (s *Server) Pages(pages ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages = pages
}

func (s *Server) hasPage(page string) bool {
	if len(s.pages) == 0 || page == "" {
		return true
	}
	for _, p := range s.pages {
		if p == page {
			return true
		}
	}
	return false
}

func (s *Server) draw(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Scene string `json:"scene"`
		Page  string `json:"page"`
		Check *bool  `json:"check_path"`
		Width int    `json:"width"`
	}
	if s.posted(w, r, &asked) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(asked.Scene) < 1 || len(asked.Scene) > 32:
		s.refuseLocked(w, 40169, "invalid length for scene, or the data is not json string")
	case strings.ContainsAny(asked.Scene, "&=@%"):
		s.refuseLocked(w, 40129, "invalid scene")
	case (asked.Check == nil || *asked.Check) && !s.hasPage(asked.Page):
		s.refuseLocked(w, 41030, "invalid page")
	default:
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = fmt.Fprintf(w, "\xff\xd8\xff\xe0%s %s", asked.Page, asked.Scene)
	}
}

func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Path    string `json:"path"`
		Type    int    `json:"expire_type"`
		Expires int64  `json:"expire_time"`
	}
	if s.posted(w, r, &asked) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	left := time.Unix(asked.Expires, 0).Sub(s.now())
	switch {
	case !s.hasPage(asked.Path):
		s.refuseLocked(w, 40165, "invalid weapp pagepath")
	case asked.Type != 0 || left < time.Minute-time.Second || left > 30*24*time.Hour:
		s.refuseLocked(w, 85401, "time limit between 1min and 1year")
	default:
		s.serial++
		answer(w, map[string]any{"errcode": 0, "errmsg": "ok", "url_link": fmt.Sprintf("https://wxaurl.cn/%011d", s.serial)})
	}
}

func (s *Server) shortLink(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Page string `json:"page_url"`
	}
	if s.posted(w, r, &asked) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page, _, _ := strings.Cut(asked.Page, "?")
	if !s.hasPage(page) {
		s.refuseLocked(w, 40165, "invalid weapp pagepath")
		return
	}
	s.serial++
	answer(w, map[string]any{"errcode": 0, "errmsg": "ok", "link": fmt.Sprintf("#小程序://test/%011d", s.serial)})
}

// posted reads the JSON of a request with a token that is good, and returns its app, or answers why
// there is none.
func (s *Server) posted(w http.ResponseWriter, r *http.Request, into any) *app {
	a := s.authorized(w, r)
	switch {
	case a == nil:
	case r.Method != http.MethodPost:
		s.refuse(w, 43002, "require POST method")
	case json.NewDecoder(r.Body).Decode(into) != nil:
		s.refuse(w, 47001, "data format error")
	default:
		return a
	}
	return nil
}
