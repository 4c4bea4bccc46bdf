package wechattest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Template is a subscribe message as WeChat's console has it.
type Template struct {
	ID    string              // template id
	Keys  []string            // "thing1", "date2"
	Enums map[string][]string // values of the keys that are enums
}

// AddTemplate has an app have a template.
func (s *Server) AddTemplate(app string, t Template) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[app].templates[t.ID] = t
}

// A consent is how many messages of a template a user has accepted.
type consent struct{ user, template string }

// Accept is "allow" for templates in the popup of wx.requestSubscribeMessage on a user's phone: one
// message of each may be sent, and WeChat pushes an event.
func (s *Server) Accept(app string, u User, templates ...string) {
	s.answers(app, u, "subscribe_msg_popup_event", "SubscribeMsgPopupEvent", "accept", templates)
}

// Decline is "cancel" in the popup: WeChat pushes an event, and what was accepted before stays.
func (s *Server) Decline(app string, u User, templates ...string) {
	s.answers(app, u, "subscribe_msg_popup_event", "SubscribeMsgPopupEvent", "reject", templates)
}

// TurnOff is a user who turns templates off in the settings: none of them may be sent, until they
// are accepted again, and WeChat pushes an event.
func (s *Server) TurnOff(app string, u User, templates ...string) {
	s.answers(app, u, "subscribe_msg_change_event", "SubscribeMsgChangeEvent", "reject", templates)
}

func (s *Server) answers(id string, u User, event, element, status string, templates []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[id]
	s.visits[u.OpenID] = s.now()
	var list strings.Builder
	for _, t := range templates {
		key := consent{u.OpenID, t}
		switch {
		case status == "accept":
			a.consents[key]++
		case event == "subscribe_msg_change_event":
			delete(a.consents, key)
		}
		fmt.Fprintf(&list, "<List><TemplateId><![CDATA[%s]]></TemplateId><SubscribeStatusString><![CDATA[%s]]></SubscribeStatusString>"+
			"<PopupScene>0</PopupScene></List>", t, status)
	}
	s.event(a, u.OpenID, event, element, list.String())
}

// event queues an event for Pushes. The server is locked.
func (s *Server) event(a *app, from, event, element, list string) {
	a.pushes = append(a.pushes, fmt.Sprintf("<xml><ToUserName><![CDATA[gh_test]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName>"+
		"<CreateTime>%d</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[%s]]></Event><%s>%s</%s></xml>",
		from, s.now().Unix(), event, element, list, element))
}

// Pushes returns the events that are to be pushed to the service of an app, for Pusher.Deliver, and
// forgets them.
func (s *Server) Pushes(app string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[app]
	all := a.pushes
	a.pushes = nil
	return all
}

// Consents returns how many messages of a template a user may still be sent.
func (s *Server) Consents(app string, u User, template string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apps[app].consents[consent{u.OpenID, template}]
}

// Lose has the next messages of an app, which are taken, not reach their users: the events have
// that ErrorCode.
func (s *Server) Lose(app string, codes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[app].lost = append(s.apps[app].lost, codes...)
}

// A Message is a subscribe message as its user has it.
type Message struct {
	Template string            `json:"template"`       // template id
	Values   map[string]string `json:"values"`         // by their keys
	Page     string            `json:"page,omitempty"` // that it opens; "": none
	Lang     string            `json:"lang,omitempty"` // of what stands around the values; "": zh_CN
}

// Inbox returns the messages that a user got from an app, the oldest first.
func (s *Server) Inbox(app string, u User) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.apps[app].inboxes[u.OpenID])
}

func (s *Server) subscribeSend(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		To       string `json:"touser"`
		Template string `json:"template_id"`
		Page     string `json:"page"`
		Data     map[string]struct {
			Value *string `json:"value"`
		} `json:"data"`
		State string `json:"miniprogram_state"`
		Lang  string `json:"lang"`
	}
	a := s.posted(w, r, &asked)
	if a == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := a.templates[asked.Template]
	page, _, _ := strings.Cut(asked.Page, "?")
	key := consent{asked.To, asked.Template}
	switch {
	case s.visits[asked.To].IsZero():
		s.refuseLocked(w, 40003, "invalid openid")
		return
	case !known:
		s.refuseLocked(w, 40037, "invalid template_id")
		return
	case !slices.Contains([]string{"", "formal", "trial", "developer"}, asked.State), !slices.Contains([]string{"", "zh_CN", "en_US", "zh_HK", "zh_TW"}, asked.Lang):
		s.refuseLocked(w, 40097, "invalid args")
		return
	case asked.Page != "" && !s.hasPage(page):
		s.refuseLocked(w, 41030, "invalid page")
		return
	}
	for _, k := range t.Keys {
		if v := asked.Data[k].Value; v == nil || !t.Takes(k, *v) {
			s.refuseLocked(w, 47003, fmt.Sprintf("argument invalid! data.%s.value invalid", k))
			return
		}
	}
	if len(asked.Data) != len(t.Keys) {
		s.refuseLocked(w, 47003, "argument invalid!")
		return
	}
	if a.consents[key] == 0 {
		s.refuseLocked(w, 43101, "user refuse to accept the msg")
		return
	}
	a.consents[key]--
	s.serial++
	code, status := "0", "success"
	if len(a.lost) > 0 {
		code, status, a.lost = a.lost[0], "failed", a.lost[1:]
	} else {
		got := Message{asked.Template, map[string]string{}, asked.Page, asked.Lang}
		for k, v := range asked.Data {
			got.Values[k] = *v.Value
		}
		a.inboxes[asked.To] = append(a.inboxes[asked.To], got)
	}
	id := 2_000_000_000_000_000_000 + int64(s.serial)
	s.event(a, asked.To, "subscribe_msg_sent_event", "SubscribeMsgSentEvent", fmt.Sprintf("<List><TemplateId><![CDATA[%s]]></TemplateId>"+
		"<MsgID>%d</MsgID><ErrorCode>%s</ErrorCode><ErrorStatus><![CDATA[%s]]></ErrorStatus></List>", asked.Template, id, code, status))
	answer(w, map[string]any{"errcode": 0, "errmsg": "ok", "msgid": id})
}

// What values are refused by, of each kind of keys.
var (
	controls = regexp.MustCompile(`[\x{00}-\x{1f}\x{7f}-\x{9f}\x{2028}\x{2029}]`)
	values   = func() map[string]*regexp.Regexp {
		const (
			h  = `([01]?[0-9]|2[0-3])(:[0-5][0-9]){1,2}`
			m  = `(0?[1-9]|1[0-2])`
			d  = `(0?[1-9]|[12][0-9]|3[01])`
			y  = `[0-9]{4}`
			ds = `(` + y + `年` + m + `月(` + d + `日)?|` + m + `月` + d + `日|` + y + `-` + m + `(-` + d + `)?|` + y + `/` + m + `(/` + d + `)?|` +
				y + `\.` + m + `(\.` + d + `)?|` + m + `[-/.]` + d + `)`
			t1, d1 = `(` + ds + ` )?` + h, ds + `( ` + h + `)?`
		)
		all := map[string]*regexp.Regexp{}
		for kind, form := range map[string]string{
			"thing": `(?s).{1,20}`, "number": `[0-9]+(\.[0-9]+)?`, "letter": `[a-zA-Z]{1,32}`, "symbol": `[\pP\pS]{1,5}`,
			"character_string": `[a-zA-Z0-9\pP\pS]{1,32}`, "time": t1 + `(~` + t1 + `)?`, "date": d1 + `(~` + d1 + `)?`,
			"amount": `\p{Sc}?[0-9]+(\.[0-9]+)?元?`, "phone_number": `[0-9\pP\pS]{1,17}`,
			"car_number": `[a-zA-Z0-9\p{Han}]([a-zA-Z0-9]{0,6}[a-zA-Z0-9\p{Han}])?`, "name": `[a-zA-Z\pP\pS ]{1,20}|[a-zA-Z\pP\pS\p{Han}]{1,10}`,
			"phrase": `\p{Han}{1,5}`,
		} {
			all[kind] = regexp.MustCompile(`^(?:` + form + `)$`)
		}
		return all
	}()
	digits = regexp.MustCompile(`[0-9]`)
)

// Takes reports whether a value is one that WeChat takes for a key of the template.
func (t Template) Takes(key, value string) bool {
	kind := strings.TrimRight(key, "0123456789")
	switch {
	case !utf8.ValidString(value) || controls.MatchString(value) || strings.TrimSpace(value) == "":
		return false
	case kind == "enum":
		return slices.Contains(t.Enums[key], value)
	case kind == "number" && len(value) > 32, kind == "amount" && len(digits.FindAllString(value, -1)) > 10:
		return false
	}
	return values[kind] != nil && values[kind].MatchString(value)
}
