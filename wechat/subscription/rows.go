package subscription

import (
	"embed"
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "subscription", Tables: []storage.Declared{consents, messages}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A consent is what is known of one user's answers to one template, with the messages that commands
// need of it.
type consent struct {
	OpenID   miniprogram.OpenID `json:"openid"`
	App      string             `json:"app"`
	Template TemplateID         `json:"template"`
	state

	version  int64
	messages map[string]*message // by key: those that were read or changed
	changed  map[string]bool
}

// A state is a consent as it is stored.
type state struct {
	Seq     int64   `json:"seq"` // number of its last entry in the journal
	Balance balance `json:"balance"`
	Sends   []send  `json:"sends,omitempty"` // messages of which an event may tell something, the oldest first
	Told    []told  `json:"told,omitempty"`  // what events told of messages that are not known yet, the oldest first
}

// A message is one that was sent, or may have been. Without a Status there is none.
type message struct {
	App string
	Receipt
}

var (
	consents = storage.NewTable("subscription_consent", func(c *storage.Columns, k *consent) {
		storage.Text(c, "openid", &k.OpenID)
		storage.Text(c, "app", &k.App)
		storage.Text(c, "template", &k.Template)
		c.Key()
		c.Version(&k.version)
		c.State("state", 1, &k.state)
	}).Fill(50)
	messages = storage.NewTable("subscription_message", func(c *storage.Columns, m *message) {
		storage.Text(c, "openid", &m.OpenID)
		storage.Text(c, "app", &m.App)
		storage.Text(c, "template", &m.Template)
		storage.Text(c, "message", &m.Key)
		c.Key()
		storage.Time(c, "at", &m.At)
		storage.Text(c, "msgid", &m.ID)
		storage.Text(c, "status", &m.Status)
		storage.Text(c, "code", &m.Code)
		storage.Derived(c, "held", func() time.Time { return m.when(true) })
		storage.Derived(c, "done", func() time.Time { return m.when(false) })
	}).Of(consents)

	heldMessages = messages.Index("held", "app", "held").Only("held")
	doneMessages = messages.Index("done", "app", "done").Only("done")
)

// when returns the time of a message that is held, or of one that is not; the zero time: it is the
// other.
func (m message) when(held bool) time.Time {
	if (m.Status == Held) == held {
		return m.At
	}
	return time.Time{}
}

// read reads a message.
func (c *consent) read(key string) []storage.Read {
	if c.messages[key] != nil {
		return nil
	}
	m := &message{c.App, Receipt{OpenID: c.OpenID, Template: c.Template, Key: key}}
	c.messages[key] = m
	return []storage.Read{messages.Get(m)}
}

var kind = engine.Kind[consent]{
	Root: func(c *consent) storage.Read { return consents.Get(c) },
	Seq:  func(c *consent) int64 { return c.Seq },
	Rows: func(c *consent) []storage.Row {
		c.version++
		rows := []storage.Row{consents.Save(c)}
		for _, key := range slices.Sorted(maps.Keys(c.changed)) {
			if m := c.messages[key]; m.Status == "" {
				rows = append(rows, messages.Drop(m))
			} else {
				rows = append(rows, messages.Put(m))
			}
		}
		return rows
	},
}
