package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/activation"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// schemas are those of the packages that the server uses.
var schemas = []storage.Schema{
	activation.Tables, routing.Tables, lead.Tables, loyalty.Tables, otp.Tables, reward.Tables, shop.Tables, stamps.Tables, ticket.Tables,
	customers.Tables, session.Tables, delivery.Tables, wechat.Tables, miniprogram.Tables, callback.Tables, subscription.Tables, notice.Tables,
	relay.Tables,
}

// openDatabase opens the database that the configuration names and brings its tables up to date.
// The caller closes it.
func openDatabase(ctx context.Context, cfg Config) (*bun.DB, error) {
	open := openSQLite
	if cfg.Postgres != "" {
		open = openPostgres
	}
	db, err := open(cfg)
	if err != nil {
		return nil, err
	}
	if err := bunstore.Migrate(ctx, db, schemas...); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openSQLite opens a file that this user alone may read; SQLite gives the files beside it the same
// mode.
func openSQLite(cfg Config) (*bun.DB, error) {
	file, err := os.OpenFile(cfg.SQLite, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(file.Chmod(0o600), file.Close())
	}
	if err != nil {
		return nil, err
	}
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(cfg.SQLite)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(maxConns)
	db.SetMaxOpenConns(maxConns)
	return bunstore.OnSQLite(db), nil
}

// openPostgres uses the simple protocol for bun's lists, as package bunstore advises.
func openPostgres(cfg Config) (*bun.DB, error) {
	conf, err := pgx.ParseConfig(cfg.Postgres)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL can't be read: %w", err)
	}
	conf.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	db := stdlib.OpenDB(*conf)
	db.SetMaxIdleConns(maxConns)
	db.SetMaxOpenConns(maxConns)
	return bunstore.OnPostgres(db), nil
}

const maxConns = 16

// serverKey returns the key of the server: the one that the configuration gives, or on SQLite the
// one in a file beside the database, made where there is none.
func serverKey(cfg Config) ([]byte, error) {
	switch {
	case len(cfg.Secret) > 0:
		return cfg.Secret, nil
	case cfg.Postgres != "":
		return nil, errors.New("SCRMKIT_OTP_KEY is not set, and without it nobody could read again what is stored of customers; " +
			"set it to 32 random bytes in base64, as openssl rand -base64 32 gives them, and keep it")
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	path := cfg.SQLite + ".key"
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return readSecret(path)
	}
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(fresh))
	return fresh, errors.Join(err, file.Sync(), file.Close())
}

func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no base64: %w", path, err)
	}
	return secret, nil
}
