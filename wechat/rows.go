package wechat

import (
	"embed"
	"time"

	"github.com/scrmkit/scrmkit/storage"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "wechat", Tables: []storage.Declared{tokenRows}, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A tokenRow is the access token of an app, which processes share.
type tokenRow struct {
	Key      string    // of the app and its secret
	Version  int64     // number of the change that made it so
	KeyID    string    // of the key that Sealed is made with
	Sealed   []byte    // the token; empty: there is none
	Obtained time.Time // when it was asked for
	Expires  time.Time // when it ends
	Owner    string    // process that gets the next one
	Lease    time.Time // until when it alone does
	Bad      []byte    // hash of the token that WeChat refused last
	Forced   time.Time // when the last one was asked for by force
	Forces   int64     // how many were on the day of Forced
}

var tokenRows = storage.NewTable("wechat_token", func(c *storage.Columns, r *tokenRow) {
	storage.Text(c, "app", &r.Key)
	c.Key()
	c.Version(&r.Version)
	storage.Text(c, "key_id", &r.KeyID)
	storage.Bytes(c, "sealed", &r.Sealed)
	storage.Time(c, "obtained", &r.Obtained)
	storage.Time(c, "expires", &r.Expires)
	storage.Text(c, "owner", &r.Owner)
	storage.Time(c, "lease", &r.Lease)
	storage.Bytes(c, "bad", &r.Bad)
	storage.Time(c, "forced", &r.Forced)
	storage.Int(c, "forces", &r.Forces)
}).Fill(50)
