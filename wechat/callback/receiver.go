package callback

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	// Window is how far the time of a push may be from that of the server, either way. WeChat sends
	// a push again within a minute; the rest is for clocks.
	Window = 10 * time.Minute
	// MaxBody is how many bytes a push may have.
	MaxBody = 256 << 10
)

// A Push is a message or an event, decrypted.
type Push struct {
	Receiver string    // AppID, or corp id, that it is for
	Type     string    // MsgType: "event", "text" and so on
	Event    string    // of an event, as "subscribe_msg_popup_event"
	From     string    // the user: an OpenID, or a user id of WeCom
	At       time.Time // when it happened, to the second
	Raw      []byte    // the message, as XML or JSON

	root node
}

// Field returns a value of the message by the names along which it is found, as "Content" or
// "ScanCodeInfo", "ScanResult"; "": it has none.
func (p Push) Field(names ...string) string { return p.root.first(names...) }

// A Handler takes a push. What it stores with tx is stored exactly once for each push, however
// often it is sent; what it does besides may be done again. It may run more than once. The reply is
// sent encrypted: XML or JSON, as the push is; nil: none. After an error WeChat sends the push
// again, three times in all.
type Handler func(ctx context.Context, tx storage.Tx, p Push) (reply []byte, err error)

// Options configures a Receiver. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Logger *slog.Logger     // of what is refused, without what it says; nil: nothing is logged
}

// A Receiver is the http.Handler of the address that WeChat pushes to. It answers within 5 seconds
// or WeChat gives up, so the Handler should leave longer work to a relay.
type Receiver struct {
	db       storage.DB
	receiver string
	crypts   []*crypt
	handle   Handler
	now      func() time.Time
	log      *slog.Logger
}

// New returns a receiver for an AppID, or for a corp id of WeCom. The first secret encrypts
// replies; the others are those of before, good for pushes that are under way while they are
// replaced in the console. New returns an error if there is no secret, or one is malformed.
func New(db storage.DB, receiver string, secrets []Secret, handle Handler, opts *Options) (*Receiver, error) {
	o := cmp.Or(opts, &Options{})
	if receiver == "" || handle == nil || len(secrets) == 0 {
		return nil, errors.New("callback: the receiver, the handler or the secret is missing")
	}
	r := &Receiver{db: db, receiver: receiver, handle: handle, now: o.Now, log: o.Logger}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	for _, s := range secrets {
		c, err := newCrypt(s)
		if err != nil {
			return nil, fmt.Errorf("callback: %w", err)
		}
		r.crypts = append(r.crypts, c)
	}
	return r, nil
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	q := req.URL.Query()
	stamp, nonce := q.Get("timestamp"), q.Get("nonce")
	if why := r.late(stamp); why != "" {
		r.refuse(w, req, why)
		return
	}
	switch req.Method {
	case http.MethodGet:
		r.echo(w, req, stamp, nonce)
	case http.MethodPost:
		r.push(w, req, stamp, nonce)
	default:
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// late says what is wrong with the time of a request.
func (r *Receiver) late(stamp string) string {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(stamp) != 10 { // so that no digit of the nonce is one of the time, for both are signed in one text
		return "it has no time"
	}
	if off := r.now().Sub(time.Unix(seconds, 0)); off.Abs() > Window {
		return "its time is far from that of the server"
	}
	return ""
}

// refuse answers what is no push of WeChat's. The log says why, the answer does not.
func (r *Receiver) refuse(w http.ResponseWriter, req *http.Request, why string) {
	r.log.WarnContext(req.Context(), "callback: refused: "+why, "receiver", r.receiver, "method", req.Method)
	http.Error(w, "refused", http.StatusForbidden)
}

// echo answers the question whether the address is the service's: a Mini Program's console signs it
// as it is, WeCom's encrypts it.
func (r *Receiver) echo(w http.ResponseWriter, req *http.Request, stamp, nonce string) {
	q := req.URL.Query()
	echo := q.Get("echostr")
	for _, c := range r.crypts {
		if signature := q.Get("msg_signature"); signature != "" {
			if !c.signed(signature, stamp, nonce, echo) {
				continue
			}
			text, receiver, err := c.decrypt(echo)
			if err == nil && receiver == r.receiver {
				_, _ = w.Write(text)
				return
			}
		} else if c.signed(q.Get("signature"), stamp, nonce) {
			_, _ = io.WriteString(w, echo)
			return
		}
	}
	r.refuse(w, req, "the signature of the question is another")
}

// push takes a push.
func (r *Receiver) push(w http.ResponseWriter, req *http.Request, stamp, nonce string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxBody))
	if err != nil {
		r.refuse(w, req, "the body is too long, or broke off")
		return
	}
	outer, isXML, err := parse(body)
	ciphertext := outer.first("Encrypt")
	if err != nil || ciphertext == "" {
		r.refuse(w, req, "it is not encrypted; have WeChat's console push in its secure mode")
		return
	}
	p, c, why := r.open(req.URL.Query().Get("msg_signature"), stamp, nonce, ciphertext)
	if why != "" {
		r.refuse(w, req, why)
		return
	}
	reply, err := r.take(req.Context(), p)
	if err != nil {
		r.log.ErrorContext(req.Context(), "callback: the handler failed", "receiver", r.receiver, "type", p.Type, "event", p.Event, "error", err)
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	if reply == nil {
		_, _ = io.WriteString(w, "success")
		return
	}
	r.reply(w, c, reply, isXML)
}

// open returns the push of a ciphertext and the crypt that opened it, or why there is none.
func (r *Receiver) open(signature, stamp, nonce, ciphertext string) (Push, *crypt, string) {
	for _, c := range r.crypts {
		if !c.signed(signature, stamp, nonce, ciphertext) {
			continue
		}
		message, receiver, err := c.decrypt(ciphertext)
		if err != nil {
			return Push{}, nil, "the EncodingAESKey is another"
		}
		if receiver != r.receiver {
			return Push{}, nil, "it is for another receiver"
		}
		root, _, err := parse(message)
		seconds, err2 := strconv.ParseInt(root.first("CreateTime"), 10, 64)
		if err != nil || err2 != nil || seconds < 0 || seconds > 1<<40 {
			return Push{}, nil, "the message can't be read"
		}
		return Push{
			Receiver: receiver, Type: root.first("MsgType"), Event: root.first("Event"), From: root.first("FromUserName"),
			At: time.Unix(seconds, 0).UTC(), Raw: message, root: root,
		}, c, ""
	}
	return Push{}, nil, "msg_signature is another"
}

// take hands a push on, once.
func (r *Receiver) take(ctx context.Context, p Push) (reply []byte, err error) {
	root := p.root
	root.name = "" // which XML has and JSON has not
	hash := root.sum()
	row := taken{Receiver: r.receiver, Hash: hash[:], At: journal.Instant(r.now())}
	err = r.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		reply = nil
		failed, err := tx.Save(ctx, []storage.Change{{Rows: []storage.Row{pushes.Insert(&row)}}})
		if err == nil {
			err = failed[0]
		}
		if errors.Is(err, journal.ErrConflict) {
			return nil // it was taken before
		}
		if err != nil {
			return err
		}
		reply, err = r.handle(ctx, tx, p)
		return err
	})
	return reply, err
}

// reply answers with a message, encrypted.
func (r *Receiver) reply(w http.ResponseWriter, c *crypt, message []byte, isXML bool) {
	stamp, nonce := strconv.FormatInt(r.now().Unix(), 10), rand.Text()[:16]
	ciphertext := c.encrypt(message, r.receiver)
	signature := c.sign(stamp, nonce, ciphertext)
	if !isXML {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"Encrypt": ciphertext, "MsgSignature": signature, "TimeStamp": json.Number(stamp), "Nonce": nonce,
		})
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	var b bytes.Buffer
	_ = xml.NewEncoder(&b).Encode(struct {
		XMLName   xml.Name `xml:"xml"`
		Encrypt   string
		Signature string `xml:"MsgSignature"`
		Stamp     string `xml:"TimeStamp"`
		Nonce     string
	}{Encrypt: ciphertext, Signature: signature, Stamp: stamp, Nonce: nonce})
	_, _ = w.Write(b.Bytes())
}
