package bunstore

import (
	"bytes"
	"database/sql"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage"
)

// What the server reads from an array is what was added to it.
func FuzzArray(f *testing.F) {
	db, err := sql.Open("pgx", pgtest.DSN(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	f.Add("", "NULL", []byte{}, int64(0))
	f.Add(`a "b", {c}\`, "\\", []byte("\x00\xff\\"), int64(-1))
	f.Add("小明, 🙂", "\n\t ", []byte(nil), int64(1772352000123456))
	f.Fuzz(func(t *testing.T, a, b string, bin []byte, n int64) {
		for _, s := range []string{a, b} {
			if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
				t.Skip("no text of Postgres")
			}
		}
		const century = int64(100 * 365 * 24 * time.Hour / time.Microsecond)
		at := time.UnixMicro(n % century).UTC()
		text := func(s string) storage.Value { return storage.Value{Kind: storage.KindText, Text: s} }
		raw, number := storage.Value{Kind: storage.KindBytes, Bytes: bin}, storage.Value{Kind: storage.KindInt, Int: n}
		args := argWriter{grammar: postgres}
		for _, column := range [][]storage.Value{
			{text(a), text(b)}, {raw, raw}, {number, {Kind: storage.KindInt, Int: n + 1}}, {instantValue(at), instantValue(time.Time{})}, {},
		} {
			for _, v := range column {
				args.element(v)
			}
			args.end()
		}
		rows, err := db.QueryContext(t.Context(), `select s, bin, n, (extract(epoch from at) * 1000000)::bigint, ord from unnest($1::text[], $2::bytea[], $3::bigint[], $4::timestamptz[])
			with ordinality as t (s, bin, n, at, ord) where $5::text[] = '{}'`, args.all()...)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		if err := each(rows, func(rows Rows) error {
			var s string
			var gotBin []byte
			var gotInt, ord int64
			var gotTime time.Time
			if err := rows.Scan(&s, &gotBin, &gotInt, timeField(&gotTime), &ord); err != nil {
				return err
			}
			seen++
			want := []string{a, b}[ord-1]
			if s != want || !bytes.Equal(gotBin, bin) || gotInt != n+ord-1 || !gotTime.Equal([]time.Time{at, {}}[ord-1]) {
				t.Errorf("row %d: got %q %x %d %s", ord, s, gotBin, gotInt, gotTime)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if seen != 2 {
			t.Errorf("%d rows", seen)
		}
	})
}
