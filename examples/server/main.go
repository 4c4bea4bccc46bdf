// Command server is a whole product for stamp cards (集章), coupons and the till of a shop, on the
// engines of scrmkit: an HTTP API with an OpenAPI document, kept in one SQLite file, or in
// Postgres.
//
//	go run ./examples/server -db scrmkit.db -addr 127.0.0.1:8080
//	DATABASE_URL=postgres://localhost/scrmkit go run ./examples/server
//
// It sets itself up: tables, two demo shops with a manager each, and two programs. It prints a
// walk-through for curl; /docs is a page to read the API and to try it, without the internet. It
// listens on a loopback address alone unless it is told -demo, for its tokens are known to
// everybody. What is for the demo alone is auth.go (tokens instead of a sign-in) and demo.go; the
// rest shows how a service of one's own is put together.
//
// SCRMKIT_OTP_KEY, base64 of at least 32 random bytes, is the key of the codes. Without it one is
// kept in a file beside the SQLite file; on Postgres the key then ends with the process, and with
// it every code that is live.
package main

import (
	"context"
	"encoding/base64"
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
	open := flags.Bool("demo", false, "listen on an address that others reach, though everybody knows the tokens of the demo")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := onlyHere(*addr); err != nil && !*open {
		return err
	}
	secret, err := base64.StdEncoding.DecodeString(getenv("SCRMKIT_OTP_KEY"))
	if err != nil {
		return fmt.Errorf("SCRMKIT_OTP_KEY is not base64: %w", err)
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	s, err := New(ctx, Config{SQLite: *path, Postgres: getenv("DATABASE_URL"), Secret: secret, Log: log})
	if err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err == nil {
		writeWalkthrough(stdout, "http://"+ln.Addr().String())
		err = s.Serve(ctx, ln)
	}
	return errors.Join(err, s.Close())
}

// onlyHere returns an error where others than this machine reach an address.
func onlyHere(addr string) error {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err == nil && !at.IP.IsLoopback() {
		err = fmt.Errorf("%s is not a loopback address, and anybody who reaches it is an admin with a token of the demo; "+
			"listen on 127.0.0.1, or say -demo", addr)
	}
	return err
}
