package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const (
	appID = "wx0123456789abcdef"
	token = "spamtest"
	key   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// A bench has a receiver with a clock that stands until it is moved, and what it handed on.
type bench struct {
	wechattest.Pusher
	t        *testing.T
	receiver *callback.Receiver
	at       atomic.Int64
	fails    atomic.Int64 // pushes that the handler still refuses
	log      strings.Builder

	mu    sync.Mutex
	taken []callback.Push
}

func open(t *testing.T, db storage.DB, secrets ...callback.Secret) *bench {
	b := &bench{t: t}
	b.at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).Unix())
	if secrets == nil {
		secrets = []callback.Secret{{Token: token, AESKey: key}}
	}
	var err error
	b.receiver, err = callback.New(db, appID, secrets, b.handle, &callback.Options{Now: b.now, Logger: slog.New(slog.NewTextHandler(&b.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.receiver)
	t.Cleanup(server.Close)
	b.Pusher = wechattest.Pusher{URL: server.URL, Token: token, AESKey: key, Receiver: appID, Now: b.now}
	return b
}

func (b *bench) now() time.Time { return time.Unix(b.at.Load(), 0) }

// handle stores an entry for each push.
func (b *bench) handle(ctx context.Context, tx storage.Tx, p callback.Push) ([]byte, error) {
	e := journal.Entry{Subject: "push/" + p.Field("MsgId"), Seq: 1, Kind: "test.push", At: p.At}
	if failed, err := tx.Save(ctx, []storage.Change{{Entries: []journal.Entry{e}}}); err != nil || failed[0] != nil {
		return nil, errors.Join(err, failed[0])
	}
	if b.fails.Add(-1) >= 0 {
		return nil, errors.New("not now")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = append(b.taken, p)
	if p.Field("Content") == "reply" {
		return []byte("<xml>hello</xml>"), nil
	}
	return nil, nil
}

// pushed pushes a message and wants an answer.
func (b *bench) pushed(message string, want int) string {
	b.t.Helper()
	status, answer, err := b.Push(message)
	if err != nil || status != want {
		b.t.Fatalf("%d %q %v, want %d", status, answer, err, want)
	}
	return answer
}

func (b *bench) has(n int) {
	b.t.Helper()
	if len(b.taken) != n {
		b.t.Fatalf("%d pushes were handed on, want %d", len(b.taken), n)
	}
}

// stored wants that many entries of the handler.
func (b *bench) stored(db storage.DB, want int) {
	b.t.Helper()
	n := 0
	for id := range 3 {
		for _, err := range db.Journal().Of(b.t.Context(), fmt.Sprint("push/", id)) {
			if n++; err != nil {
				b.t.Fatal(err)
			}
		}
	}
	if n != want {
		b.t.Fatalf("%d entries are stored, want %d", n, want)
	}
}

func text(id int, content string) string {
	return fmt.Sprintf("<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[oAlice]]></FromUserName><CreateTime>1773115200</CreateTime>"+
		"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%d</MsgId></xml>", content, id)
}

func TestPushes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("are handed on once", func(t *testing.T) {
			b := open(t, db.Tenant("once"))
			if answer := b.pushed(text(1, "hi"), 200); answer != "success" {
				t.Error(answer)
			}
			for range 2 {
				b.pushed(text(1, "hi"), 200)
			}
			b.has(1)
			b.stored(db.Tenant("once"), 1)
			p := b.taken[0]
			if p.Receiver != appID || p.Type != "text" || p.From != "oAlice" || p.Field("Content") != "hi" || !p.At.Equal(time.Unix(1773115200, 0)) {
				t.Errorf("%+v", p)
			}
			b.pushed(text(2, "hi"), 200)
			b.has(2)
		})
		t.Run("in either format are one", func(t *testing.T) {
			b := open(t, db.Tenant("json"))
			b.pushed(text(1, "hi"), 200)
			b.JSON = true
			b.pushed(`{"MsgId":1,"ToUserName":"gh","FromUserName":"oAlice","CreateTime":1773115200,"MsgType":"text","Content":"hi"}`, 200)
			b.has(1)
		})
		t.Run("come again where the handler fails", func(t *testing.T) {
			b := open(t, db.Tenant("fails"))
			b.fails.Store(2)
			for i, want := range []int{500, 500, 200, 200} {
				b.pushed(text(1, "hi"), want)
				b.stored(db.Tenant("fails"), i/2)
			}
			b.has(1)
		})
		t.Run("at once are handed on once each", func(t *testing.T) {
			b := open(t, db.Tenant("race"))
			var all sync.WaitGroup
			for i := range 24 {
				all.Go(func() { b.pushed(text(i%3, "hi"), 200) })
			}
			all.Wait()
			seen := map[string]bool{}
			for _, p := range b.taken {
				seen[p.Field("MsgId")] = true
			}
			if len(seen) != 3 {
				t.Error(seen)
			}
			b.stored(db.Tenant("race"), 3)
		})
		t.Run("are forgotten when they can't come again", func(t *testing.T) {
			b := open(t, db.Tenant("prune"))
			b.pushed(text(1, "hi"), 200)
			if n, err := b.receiver.Prune(t.Context(), b.now().Add(time.Hour)); err != nil || n != 0 {
				t.Error("one that may come again:", n, err)
			}
			b.at.Add(int64(3 * callback.Window / time.Second))
			if n, err := b.receiver.Prune(t.Context(), b.now()); err != nil || n != 1 {
				t.Error(n, err)
			}
		})
	})
}

func TestForgeries(t *testing.T) {
	b := open(t, memory.New())
	request := func(message string, change func(q url.Values, body string) string) *http.Request {
		r, err := b.Request(message)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		changed := change(q, string(body))
		r, err = http.NewRequest(r.Method, b.URL+"?"+q.Encode(), strings.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	other := b.Pusher
	other.Receiver = "wxother"
	for what, r := range map[string]*http.Request{
		"no msg_signature": request(text(1, "a"), func(q url.Values, body string) string { q.Del("msg_signature"); return body }),
		"signature alone": request(text(1, "a"), func(q url.Values, body string) string {
			q.Set("msg_signature", q.Get("signature"))
			return body
		}),
		"plain text":           request("", func(url.Values, string) string { return text(1, "a") }),
		"plain JSON":           request("", func(url.Values, string) string { return `{"MsgType":"event","Event":"evil","CreateTime":1}` }),
		"nothing":              request("", func(url.Values, string) string { return "" }),
		"another time":         request(text(1, "a"), func(q url.Values, body string) string { q.Set("timestamp", fmt.Sprint(b.at.Load()+1)); return body }),
		"a digit that moved":   request(text(1, "a"), func(q url.Values, body string) string { q.Set("timestamp", q.Get("timestamp")+"1"); return body }),
		"no time":              request(text(1, "a"), func(q url.Values, body string) string { q.Del("timestamp"); return body }),
		"another nonce":        request(text(1, "a"), func(q url.Values, body string) string { q.Set("nonce", "x"); return body }),
		"too long":             request(text(1, "a"), func(_ url.Values, body string) string { return body + strings.Repeat(" ", callback.MaxBody) }),
		"a message of no time": request("<xml><MsgType>text</MsgType></xml>", func(_ url.Values, body string) string { return body }),
		"a message of none":    request("hello", func(_ url.Values, body string) string { return body }),
	} {
		status, answer, err := wechattest.Send(r)
		if err != nil || status != http.StatusForbidden || strings.TrimSpace(answer) != "refused" {
			t.Errorf("%s: %d %q %v", what, status, answer, err)
		}
	}
	if status, _, err := other.Push(text(1, "a")); err != nil || status != http.StatusForbidden {
		t.Error("for another app:", status, err)
	}
	for _, off := range []time.Duration{-callback.Window - time.Second, callback.Window + time.Second} {
		r, err := b.Request(text(1, "a"))
		if err != nil {
			t.Fatal(err)
		}
		b.at.Add(int64(off / time.Second))
		if status, _, err := wechattest.Send(r); err != nil || status != http.StatusForbidden {
			t.Error("a time that is", off, "away:", status, err)
		}
		b.at.Add(-int64(off / time.Second))
	}
	b.has(0)
	if !strings.Contains(b.log.String(), "secure mode") || strings.Contains(b.log.String(), token) || strings.Contains(b.log.String(), "evil") {
		t.Error(b.log.String())
	}
}

// A push with any byte changed is refused, or is the push that it was.
func TestMutations(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	b := open(t, memory.New())
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		r, err := b.Request(text(1, "a"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		query := []byte(r.URL.RawQuery)
		part := body
		if rng.IntN(2) == 0 {
			part = query
		}
		part[rng.IntN(len(part))] ^= byte(1 << rng.IntN(7))
		w := httptest.NewRecorder()
		changed := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		changed.URL.RawQuery = string(query)
		b.receiver.ServeHTTP(w, changed)
		if w.Code != http.StatusOK && w.Code != http.StatusForbidden {
			t.Fatal(w.Code, string(query), string(body))
		}
	}
	for _, p := range b.taken {
		if p.Field("Content") != "a" || p.Field("MsgId") != "1" {
			t.Errorf("%s", p.Raw)
		}
	}
	if len(b.taken) > 1 {
		t.Error(len(b.taken), "pushes")
	}
}

func TestTheConsoleAsks(t *testing.T) {
	b := open(t, memory.New())
	if status, answer, err := b.Ask("4375120948345356249"); err != nil || status != 200 || answer != "4375120948345356249" {
		t.Error(status, answer, err)
	}
	forged := b.Pusher
	forged.Token = "another"
	if status, _, err := forged.Ask("x"); err != nil || status != http.StatusForbidden {
		t.Error(status, err)
	}
	r, err := b.Request("1616140317555161061") // as WeCom's does, whose echostr is the ciphertext
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	var outer struct{ Encrypt string }
	if err := xml.Unmarshal(body, &outer); err != nil {
		t.Fatal(err)
	}
	q := r.URL.Query()
	q.Set("echostr", outer.Encrypt)
	ask, err := http.NewRequest(http.MethodGet, b.URL+"?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer, err := wechattest.Send(ask); err != nil || status != 200 || answer != "1616140317555161061" {
		t.Error(status, answer, err)
	}
	put, err := http.NewRequest(http.MethodPut, ask.URL.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, err := wechattest.Send(put); err != nil || status != http.StatusMethodNotAllowed {
		t.Error(status, err)
	}
}

func TestReplies(t *testing.T) {
	b := open(t, memory.New())
	var reply struct {
		Encrypt      string
		MsgSignature string
		TimeStamp    json.Number
		Nonce        string
	}
	if err := xml.Unmarshal([]byte(b.pushed(text(1, "reply"), 200)), &reply); err != nil {
		t.Fatal(err)
	}
	if message, err := b.Decrypt(reply.Encrypt); err != nil || message != "<xml>hello</xml>" || reply.MsgSignature == "" {
		t.Error(message, err)
	}
	b.JSON = true
	if err := json.Unmarshal([]byte(b.pushed(text(2, "reply"), 200)), &reply); err != nil {
		t.Fatal(err)
	}
	if message, err := b.Decrypt(reply.Encrypt); err != nil || message != "<xml>hello</xml>" {
		t.Error(message, err)
	}
}

func TestSecretsAreReplaced(t *testing.T) {
	next := callback.Secret{Token: "next", AESKey: "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba"}
	b := open(t, memory.New(), next, callback.Secret{Token: token, AESKey: key})
	b.pushed(text(1, "old"), 200)
	b.Token, b.AESKey = next.Token, next.AESKey
	b.pushed(text(2, "new"), 200)
	b.has(2)
	b.AESKey = key
	b.pushed(text(3, "mixed"), http.StatusForbidden)
	for _, s := range [][]callback.Secret{nil, {{Token: "", AESKey: key}}, {{Token: token, AESKey: key[1:]}}, {{Token: token, AESKey: "-" + key[1:]}}} {
		if _, err := callback.New(memory.New(), appID, s, b.handle, nil); err == nil || strings.Contains(err.Error(), key[1:]) {
			t.Error(s, err)
		}
	}
}

func TestSubscriptions(t *testing.T) {
	head := "<xml><ToUserName>gh</ToUserName><FromUserName>oAlice</FromUserName><CreateTime>1773115200</CreateTime><MsgType>event</MsgType>"
	jsonHead := `{"ToUserName":"gh","FromUserName":"oAlice","CreateTime":"1773115200","MsgType":"event",`
	popup := []callback.Subscription{{Template: "t1", Accepted: true, Scene: "2"}, {Template: "t2", Scene: "2"}}
	for what, c := range map[string]struct {
		message string
		want    []callback.Subscription
	}{
		"popup": {head + "<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>" +
			"<List><TemplateId>t1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>2</PopupScene></List>" +
			"<List><TemplateId>t2</TemplateId><SubscribeStatusString>reject</SubscribeStatusString><PopupScene>2</PopupScene></List>" +
			"</SubscribeMsgPopupEvent></xml>", popup},
		"popup, JSON": {jsonHead + `"Event":"subscribe_msg_popup_event","List":[{"TemplateId":"t1","SubscribeStatusString":"accept","PopupScene":"2"},
			{"TemplateId":"t2","SubscribeStatusString":"reject","PopupScene":"2"}]}`, popup},
		"popup of one, JSON": {jsonHead + `"Event":"subscribe_msg_popup_event","List":{"TemplateId":"t1","SubscribeStatusString":"accept","PopupScene":"2"}}`, popup[:1]},
		"change": {head + "<Event>subscribe_msg_change_event</Event><SubscribeMsgChangeEvent><List><TemplateId>t1</TemplateId>" +
			"<SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgChangeEvent></xml>", []callback.Subscription{{Template: "t1"}}},
		"sent": {head + "<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent><List><TemplateId>t1</TemplateId><MsgID>17</MsgID>" +
			"<ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent></xml>",
			[]callback.Subscription{{Template: "t1", Message: "17", Code: "0", Status: "success"}}},
		"another event": {head + "<Event>user_enter_tempsession</Event></xml>", nil},
	} {
		b := open(t, memory.New())
		b.pushed(c.message, 200)
		b.has(1)
		if got := b.taken[0].Subscriptions(); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// A receiver prints the events that a fake WeChat pushes, of which one comes twice.
func Example() {
	secret := callback.Secret{Token: "the console's token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
	receiver, err := callback.New(memory.New(), "wx0123456789abcdef", []callback.Secret{secret},
		func(_ context.Context, _ storage.Tx, p callback.Push) ([]byte, error) { // what is stored with the transaction is stored once
			for _, s := range p.Subscriptions() {
				fmt.Println(p.From, s.Template, s.Accepted)
			}
			return nil, nil
		}, nil)
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(receiver)
	defer server.Close()
	fake := wechattest.Pusher{URL: server.URL, Token: secret.Token, AESKey: secret.AESKey, Receiver: "wx0123456789abcdef", JSON: true}
	for range 2 {
		status, answer, err := fake.Push(`{"FromUserName":"oAlice","CreateTime":1773115200,"MsgType":"event","Event":"subscribe_msg_popup_event",
			"List":{"TemplateId":"card-full","SubscribeStatusString":"accept","PopupScene":"0"}}`)
		fmt.Println(status, answer, err)
	}
	// Output:
	// oAlice card-full true
	// 200 success <nil>
	// 200 success <nil>
}

// BenchmarkPush verifies, decrypts and reads pushes of which all but the first came before.
func BenchmarkPush(b *testing.B) {
	receiver, err := callback.New(memory.New(), appID, []callback.Secret{{Token: token, AESKey: key}},
		func(context.Context, storage.Tx, callback.Push) ([]byte, error) { return nil, nil }, nil)
	if err != nil {
		b.Fatal(err)
	}
	r, err := wechattest.Pusher{URL: "http://localhost/", Token: token, AESKey: key, Receiver: appID}.Request(text(1, "hi"))
	if err != nil {
		b.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	for b.Loop() {
		w := httptest.NewRecorder()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if receiver.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
