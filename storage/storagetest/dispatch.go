package storagetest

import (
	"context"
	"fmt"

	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// oneLine has something in every field.
func oneLine(id string, version int64) dispatch.Line {
	return dispatch.Line{
		ID: dispatch.LineID(id), Version: version, Seq: version, Today: at(1), Came: 9, Sent: 7, Waiting: 2, Debt: at(3),
		Settings: dispatch.Settings{
			Name: `分流 "x"`, Zone: "Asia/Shanghai", Reset: 480, Offline: true, Past: true, Queue: 5, Seed: 1<<63 + 1,
			Visitors: true, Hold: 20, Wait: 30, OrderWait: 40, Signed: true, TokenAge: 50,
			Rate: dispatch.Limit{N: 3, Seconds: 60, Burst: 9}, OriginRate: dispatch.Limit{N: 1, Seconds: 5},
			Accounts: []dispatch.Account{{ID: "a", Closed: true, Day: 3, Total: 9}},
		},
		Taken: []dispatch.Taken{{
			Account: "a", Today: 1, Total: 7, OrdersToday: 1, Orders: 2, Leads: &dispatch.Leads{Account: "a", Day: at(0), Today: 1, Total: 3},
			Places: []dispatch.Place{{Minute: 29_000_000, N: 2}},
		}},
	}
}

func lineVisitor(id string, n int64) dispatch.Visitor {
	return dispatch.Visitor{ID: dispatch.VisitorID(id), N: n, Account: "a", Waiting: true, Came: at(n), Sent: at(n + 1), Order: n%2 == 0, Debt: at(n + 2)}
}

var lineWriter = writer{
	name: "line",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		return one(tx.Dispatch().Save(ctx, []dispatch.Change{{
			Line: oneLine(id, loaded+1), Visitors: []dispatch.Visitor{lineVisitor("v", loaded+1)}, Entries: writer{name: "line"}.entries(id, loaded, key),
		}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		l, err := tx.Dispatch().Load(ctx, []dispatch.Lookup{{Line: dispatch.LineID(id)}})
		if err != nil {
			return 0, err
		}
		return l[0].Line.Version, nil
	},
}

func fillDispatch(ctx context.Context, tx storage.Tx) error {
	return one(tx.Dispatch().Save(ctx, []dispatch.Change{{
		Line: oneLine("north", 1), Visitors: []dispatch.Visitor{lineVisitor("v", 1), lineVisitor("w", 2)},
		Entries: []journal.Entry{entry(dispatch.LineID("north").Subject(), "key", 1)},
	}}))
}

var dispatchReads = []call{
	{"Dispatch.Load", func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Dispatch().Load(ctx, []dispatch.Lookup{{Line: "north", Visitors: []dispatch.VisitorID{"v"}, Key: "key"}})
	}},
	{"Dispatch.Lines", func(ctx context.Context, tx storage.Tx) (any, error) { return collect(tx.Dispatch().Lines(ctx)) }},
	{"Dispatch.Waiting", func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Dispatch().Waiting(ctx, "north", 0))
	}},
}

var dispatchWrites = []call{
	{"Dispatch.Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, one(tx.Dispatch().Save(ctx, []dispatch.Change{{Line: oneLine("north", 2)}}))
	}},
}

func dispatches(s suite) {
	s.each("are stored whole, with their visitors", linesWhole)
}

func linesWhole(s *scene) {
	sent, old := lineVisitor("sent", 3), lineVisitor("old", 4)
	sent.Waiting = false
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Dispatch().Save(ctx, []dispatch.Change{
			{Line: oneLine("b", 1), Visitors: []dispatch.Visitor{lineVisitor("z", 1), sent, lineVisitor("y", 2), old}, Entries: []journal.Entry{entry(dispatch.LineID("b").Subject(), "key", 1)}},
			{Line: oneLine("a", 1), Visitors: []dispatch.Visitor{lineVisitor("z", 7)}},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		got, err := tx.Dispatch().Load(ctx, []dispatch.Lookup{
			{Line: "a", Visitors: []dispatch.VisitorID{"z", "y"}, Key: "key"}, {Line: "none", Visitors: []dispatch.VisitorID{"z"}},
			{Line: "b", Visitors: []dispatch.VisitorID{"sent"}, Key: "key"},
		})
		must(s.t, err)
		e := entry(dispatch.LineID("b").Subject(), "key", 1)
		equal(s.t, "loaded", got, []dispatch.Loaded{
			{Line: oneLine("a", 1), Visitors: []dispatch.Visitor{lineVisitor("z", 7), {ID: "y"}}},
			{Line: dispatch.Line{ID: "none"}, Visitors: []dispatch.Visitor{{ID: "z"}}},
			{Line: oneLine("b", 1), Visitors: []dispatch.Visitor{sent}, Entry: &e},
		})
		equal(s.t, "lines", list(s.t, tx.Dispatch().Lines(ctx)), []dispatch.Line{oneLine("a", 1), oneLine("b", 1)})
		waiting := []dispatch.Visitor{lineVisitor("z", 1), lineVisitor("y", 2), old}
		equal(s.t, "waiting", list(s.t, tx.Dispatch().Waiting(ctx, "b", 0)), waiting)
		equal(s.t, "two of them", list(s.t, tx.Dispatch().Waiting(ctx, "b", 2)), waiting[:2])
		old.Waiting = false
		must(s.t, one(tx.Dispatch().Save(ctx, []dispatch.Change{{Line: oneLine("b", 2), Visitors: []dispatch.Visitor{old}}})))
		equal(s.t, "without the one who left", list(s.t, tx.Dispatch().Waiting(ctx, "b", 0)), waiting[:2])
		isError(s.t, "an old version", one(tx.Dispatch().Save(ctx, []dispatch.Change{{Line: oneLine("b", 2)}})), journal.ErrConflict)
	})
}

func (h *history) saveLines(ctx context.Context, model storage.Tx) step {
	var changes []dispatch.Change
	for _, id := range some(h, []dispatch.LineID{"north", "店"}, 1, 2, "lines") {
		l, err := model.Dispatch().Load(ctx, []dispatch.Lookup{{Line: id}})
		if err != nil {
			h.t.Fatal(err)
		}
		c := dispatch.Change{Line: oneLine(string(id), h.version(l[0].Line.Version)+1), Entries: h.entries(id.Subject())}
		c.Line.Today = h.time(true, "today")
		for _, n := range some(h, []int64{1, 2, 3}, 0, 3, "visitors") {
			v := lineVisitor(fmt.Sprint("v", n), n)
			v.Waiting = h.upTo(1, "waits") == 1
			c.Visitors = append(c.Visitors, v)
		}
		changes = append(changes, c)
	}
	return try(ctx, model, "Dispatch.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Dispatch().Save(ctx, changes))
	})
}

func (h *history) loadLines(ctx context.Context, model storage.Tx) step {
	id, key, limit := pick(h, []dispatch.LineID{"north", "店"}, "line"), pick(h, someKeys, "key"), h.upTo(2, "limit")
	return try(ctx, model, "Dispatch queries", []any{id, key}, func(ctx context.Context, tx storage.Tx) (any, error) {
		loaded, err := tx.Dispatch().Load(ctx, []dispatch.Lookup{{Line: id, Visitors: []dispatch.VisitorID{"v1", "v3"}, Key: key}, {Line: "none"}})
		if err != nil {
			return nil, err
		}
		waiting, err := collect(tx.Dispatch().Waiting(ctx, id, limit))
		return []any{loaded, waiting}, err
	})
}
