package storagetest

import (
	"context"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func values(s suite) {
	s.each("of odd texts come back as they were", func(s *scene) { comeBack(s, oddTexts...) })
	s.each("of odd texts come back one by one too", func(s *scene) {
		for _, text := range oddTexts {
			comeBack(s, text)
		}
	})
	s.each("of every kind come back to the last bit", rowValues)
	s.each("of time come back in UTC, cut to microseconds", times)
	s.each("that are empty come back empty", empties)
}

// oddTexts are ids that valid.ID lets through; each is a text too.
var oddTexts = []string{
	"中文昵称", "🙂🎉", "\u00e9", "e\u0301", "'", `"`, `';--`, `\`, `\\"`, "{", "{a,b}", "{}", "[1,2]", ",", `a,"b",c`, `","`,
	"NULL", "null", "''", "%", "_", "%s", "$1", "?", "?1", ":x", "@x", "`", "0", "-1", "1e3", "true", "a/b", "a%2Fb", "../x", "<b>", "A", "a",
	"ß", "İ", strings.Repeat("x", 128), strings.Repeat("中", 42), strings.Repeat("\\", 128), strings.Repeat(`"`, 128),
}

// comeBack stores rows with these texts, all in one Save, and finds them by key and along indexes.
func comeBack(s *scene, texts ...string) {
	var changes []storage.Change
	var wantRoots []root
	var wantGuests []guest
	var wantThings []thing
	var wantEntries []journal.Entry
	for i, text := range texts {
		must(s.t, valid.ID("text", text))
		r := root{ID: text, Version: 1, N: int64(i), Label: " " + text + " ", Data: []byte(text), State: rootState{Note: text, Stage: "open"}}
		k := child{text, 1, 1, text}
		g, t := guest{text, 1, text, i}, thing{[]byte(text), text, i}
		e := entry(journal.Subject("odd", text), text, 1)
		e.Kind, e.By, e.Input = text, text, []byte(text)
		changes = append(changes, storage.Change{Rows: []storage.Row{roots.Save(&r), children.Put(&k)}, Entries: []journal.Entry{e}},
			storage.Change{Rows: []storage.Row{guests.Save(&g), loose.Put(&t)}})
		wantRoots, wantGuests = append(wantRoots, r), append(wantGuests, g)
		wantThings, wantEntries = append(wantThings, t), append(wantEntries, e)
	}
	s.do(func(ctx context.Context, tx storage.Tx) { must(s.t, allOf(tx.Save(ctx, changes))) })
	s.do(func(ctx context.Context, tx storage.Tx) {
		n := len(texts)
		gotRoots, gotGuests, gotThings, looks := make([]root, n), make([]guest, n), make([]thing, n), make([]storage.Look, n)
		for i, text := range texts {
			gotRoots[i].ID, gotThings[i].Hash = text, []byte(text)
			looks[i] = storage.Look{Reads: []storage.Read{
				roots.Get(&gotRoots[i]), loose.Get(&gotThings[i]), bySeat.First(&gotGuests[i], storage.Range{Prefix: []any{text}}),
			}, Subject: wantEntries[i].Subject, Key: text}
		}
		must(s.t, tx.Load(ctx, looks))
		equal(s.t, "roots", gotRoots, wantRoots)
		equal(s.t, "guests", gotGuests, wantGuests)
		equal(s.t, "things", gotThings, wantThings)
		for i, text := range texts {
			equal(s.t, "entry", looks[i].Entry, &wantEntries[i])
			equal(s.t, "child", list(s.t, storage.List(ctx, tx, childrenByK, storage.Range{Prefix: []any{text}})), []child{{text, 1, 1, text}})
			in := storage.List(ctx, tx, rootsByN, storage.Range{Prefix: []any{int64(i)}, From: " " + text, Where: []storage.Match{storage.Where("id", text)}})
			equal(s.t, "along an index", list(s.t, in), wantRoots[i:i+1])
			in = storage.List(ctx, tx, rootsByN, storage.Range{Prefix: []any{int64(i)}, Where: []storage.Match{storage.Contains("id", text), storage.Where("id", text)}})
			equal(s.t, "by a part", list(s.t, in), wantRoots[i:i+1])
		}
	})
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// times stores each time in another zone and with nanoseconds.
func times(s *scene) {
	for _, stored := range []time.Time{
		at(1), time.Unix(0, 0).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2024, 2, 29, 23, 59, 59, 1000, time.UTC), {},
	} {
		given := stored
		if !stored.IsZero() {
			given = stored.Add(999 * time.Nanosecond).In(shanghai)
		}
		id := "at " + stored.Format(time.RFC3339Nano)
		row := func(t time.Time) (root, journal.Entry) {
			r, e := root{ID: id, Version: 1, At: t}, entry(id, "key", 1)
			e.At = t
			return r, e
		}
		s.do(func(ctx context.Context, tx storage.Tx) {
			r, e := row(given)
			must(s.t, one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{roots.Save(&r)}, Entries: []journal.Entry{e}}})))
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			want, e := row(stored)
			got := root{ID: id}
			looks := []storage.Look{{Reads: []storage.Read{roots.Get(&got)}, Subject: id, Key: "key"}}
			must(s.t, tx.Load(ctx, looks))
			equal(s.t, "root", got, want)
			equal(s.t, "entry", looks[0].Entry, &e)
		})
	}
}

func empties(s *scene) {
	r, k := root{ID: "s", Version: 1, Data: []byte{}}, child{Root: "s"}
	e := journal.Entry{Subject: "s", Key: "k", Input: []byte{}, Before: []byte{}, Result: []byte("{}")}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{roots.Save(&r), children.Put(&k)}, Entries: []journal.Entry{e}}})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		got, kid := root{ID: "s"}, child{Root: "s"}
		looks := []storage.Look{{Reads: []storage.Read{roots.Get(&got), children.Get(&kid)}, Subject: "s", Key: "k"}}
		must(s.t, tx.Load(ctx, looks))
		equal(s.t, "root", got, r)
		equal(s.t, "child", kid, k)
		equal(s.t, "entry", looks[0].Entry, &e)
	})
}
