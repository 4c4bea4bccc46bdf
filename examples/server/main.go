// Command server is a whole product for customers who sign in with WeChat, points, stamp cards
// (集章), coupons and the till of a shop, on the engines of scrmkit: an HTTP API with an OpenAPI
// document, kept in one SQLite file, or in Postgres.
//
//	go run ./examples/server -demo
//	SCRMKIT_ADMIN_TOKEN=$(openssl rand -hex 32) go run ./examples/server -db scrmkit.db
//
// It sets its tables up. /docs is a page to read the API and to try it, without the internet.
//
// With -demo it also prepares two shops with a manager each, and programs of stamps and points,
// takes tokens that everybody knows, and prints a walk-through for curl. WeChat is then one that
// runs in the process, unless the settings say another. The demo listens on a loopback address
// alone, unless it is told -open too. What is for the demo alone is demo.go, demo_wechat.go and
// walkthrough.go; the rest shows how a service of one's own is put together.
//
// The environment has the settings:
//
//   - SCRMKIT_OTP_KEY, base64 of at least 32 random bytes, is the key of codes and of what is
//     stored of customers, who are lost without it. Where it is not set one is kept in a file beside
//     the SQLite file; Postgres needs it.
//   - SCRMKIT_ADMIN_TOKEN, of at least 32 characters, is the bearer token of the admin. Where it is
//     not set nobody is admin.
//   - WECHAT_APPID, WECHAT_SECRET, WECHAT_TOKEN and WECHAT_AES_KEY are of the Mini Program, as
//     WeChat's console has them; it pushes to /wechat/callback, in the secure mode. Where they are
//     not set there are no operations that need WeChat. WECHAT_TEMPLATES has the subscribe messages
//     that the front end asks for, as JSON: [{"id":"...","fields":[{"key":"thing1"}]}], and
//     WECHAT_NOTICES what customers are told by them: [{"kind":"coupon.issued","id":"...",
//     "values":{"thing1":{"args":["name"]}}}]. WECHAT_BASE is the address of a WeChat that is not
//     the real one.
//   - DATABASE_URL is that of a Postgres.
//
// The codes that customers ask for are printed, and not sent: Config.Sender takes a sender of
// scrm/message/sms or scrm/message/mail.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the shops' time zones, where the machine has none

	"github.com/scrmkit/scrmkit/scrm/message"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("db", "scrmkit.db", "the SQLite `file`, made where there is none; not read where DATABASE_URL is set")
	addr := flags.String("addr", "127.0.0.1:8080", "the `address` to listen on; port 0 takes a free one")
	demo := flags.Bool("demo", false, "prepare the demo, whose tokens everybody knows, and print a walk-through")
	open := flags.Bool("open", false, "listen on an address that others reach, though it is the demo")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := onlyHere(*addr); err != nil && *demo && !*open {
		return err
	}
	cfg, err := settings(getenv)
	if err != nil {
		return err
	}
	cfg.SQLite, cfg.Demo = *path, *demo
	cfg.Log, cfg.Sender = slog.New(slog.NewJSONHandler(stderr, nil)), message.Print(stdout)
	s, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err == nil {
		s.greet(stdout, "http://"+ln.Addr().String())
		err = s.Serve(ctx, ln)
	}
	return errors.Join(err, s.Close())
}

// settings returns what the environment says of a configuration.
func settings(getenv func(string) string) (Config, error) {
	secret, err := base64.StdEncoding.DecodeString(getenv("SCRMKIT_OTP_KEY"))
	if err != nil {
		return Config{}, fmt.Errorf("SCRMKIT_OTP_KEY is not base64: %w", err)
	}
	cfg := Config{Postgres: getenv("DATABASE_URL"), Secret: secret, AdminToken: getenv("SCRMKIT_ADMIN_TOKEN"), WeChat: WeChat{
		AppID: getenv("WECHAT_APPID"), Secret: getenv("WECHAT_SECRET"),
		Token: getenv("WECHAT_TOKEN"), AESKey: getenv("WECHAT_AES_KEY"), Base: getenv("WECHAT_BASE"),
	}}
	for name, to := range map[string]any{"WECHAT_TEMPLATES": &cfg.WeChat.Templates, "WECHAT_NOTICES": &cfg.WeChat.Notices} {
		if text := getenv(name); text != "" {
			if err := json.Unmarshal([]byte(text), to); err != nil {
				return Config{}, fmt.Errorf("%s is no JSON of templates: %w", name, err)
			}
		}
	}
	return cfg, nil
}

// greet says where the server is and what it goes without, and prints the walk-through of the demo.
func (s *Server) greet(w io.Writer, base string) {
	fmt.Fprintf(w, "# scrmkit listens on %s\n", base)
	fmt.Fprintf(w, "# To read the API and to try it: %s/docs/\n", base)
	if len(s.tokens) == 0 {
		fmt.Fprintln(w, "# Nobody is admin: set SCRMKIT_ADMIN_TOKEN.")
	}
	if s.wechat == nil {
		fmt.Fprintln(w, "# WeChat is not configured, so that nobody signs in with it: set WECHAT_APPID, WECHAT_SECRET, WECHAT_TOKEN and WECHAT_AES_KEY.")
	}
	fmt.Fprintln(w, "# The codes that customers ask for are printed here, and not sent.")
	if s.cfg.Demo {
		writeWalkthrough(w, base, s.walk())
	}
}

// onlyHere returns an error where others than this machine reach an address.
func onlyHere(addr string) error {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err == nil && !at.IP.IsLoopback() {
		err = fmt.Errorf("%s is not a loopback address, and anybody who reaches it is an admin with a token of the demo; "+
			"listen on 127.0.0.1, or say -open", addr)
	}
	return err
}
