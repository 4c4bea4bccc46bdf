package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestTill(t *testing.T) {
	b := start(t, Config{})
	stamp := `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`

	code := b.code(alice, stamp)
	preview := b.do(kathy, "POST", "/shops/wangjing/codes/preview", `{"code":"`+code+`"}`, 200)
	if got := preview.field("deed.member"); got != "alice" {
		t.Errorf("the preview shows %v, want alice", got)
	}
	claim := fmt.Sprintf(`{"claim":%q}`, preview.field("claim"))
	b.do(li, "POST", "/shops/sanlitun/codes/confirm", claim, 422)
	if got := b.do(alice, "GET", "/me/cards", "", 200).body; got != "{\"items\":[]}\n" {
		t.Errorf("before the confirmation alice has %s", got)
	}
	first := b.do(kathy, "POST", "/shops/wangjing/codes/confirm", claim, 200)
	again := b.do(kathy, "POST", "/shops/wangjing/codes/confirm", claim, 200)
	if again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the second confirmation is not marked as a replay, or the first one is")
	}
	if got := again.field("outcome.card.count"); got != 1.0 {
		t.Errorf("two confirmations of a claim made %v stamps", got)
	}

	// A code is one shop's.
	code = b.code(alice, stamp)
	b.do(li, "POST", "/shops/sanlitun/codes", `{"code":"`+code+`"}`, 422)
	b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":"`+code+`","purpose":"redeem"}`, 422)
	b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":"`+code+`"}`, 200)
	b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":"`+code+`"}`, 422)

	// Coupons: alice's milestone, which bob can't redeem.
	b.do(root, "POST", "/cards/coffee/alice/adjustments", `{"n":3,"reason":"test","shop":"wangjing"}`, 200)
	cookie := b.do(alice, "GET", "/me/coupons?program=coffee", "", 200).field("items.0.id")
	redeem := fmt.Sprintf(`{"shop":"wangjing","purpose":"redeem","coupon":%q}`, cookie)
	b.do(bob, "POST", "/me/codes", redeem, 403)
	b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":"`+b.code(alice, redeem)+`"}`, 200)
	b.do(alice, "POST", "/me/codes", redeem, 409)
	b.do(li, "POST", "/shops/sanlitun/coupons/coffee%2Falice:1/undos", `{"reason":"mine"}`, 403)
	b.do(kathy, "POST", "/shops/wangjing/coupons/coffee%2Falice:1/undos", `{"reason":"a mistake"}`, 200)
	b.do(kathy, "POST", "/shops/wangjing/coupons/coffee%2Falice:1/voids", `{"reason":"a mistake"}`, 200)
	b.do(alice, "POST", "/me/codes", redeem, 409)

	// What the shop saw, without what the brand did elsewhere.
	b.do(root, "POST", "/cards/coffee/bob/stamps", `{"at":"2020-01-01T00:00:00Z"}`, 200)
	records := b.do(kathy, "GET", "/shops/wangjing/records?nickname=ALI&limit=2", "", 200)
	if got := records.field("items.0.purpose"); got != "void" {
		t.Errorf("the newest record is %v, want void", got)
	}
	if got := records.field("items.2"); got != nil {
		t.Errorf("a limit of 2 gives a third record: %v", got)
	}
	totals := b.do(kathy, "GET", "/shops/wangjing/totals?purpose=stamp", "", 200)
	if got := totals.field("items.0.stamps"); got != 2.0 {
		t.Errorf("the shop gave %v stamps, want 2: %s", got, totals.body)
	}
	if got := b.do(alice, "GET", "/me/cards/coffee/history?limit=1", "", 200).field("items.0.by"); got != nil {
		t.Errorf("a customer is told the manager's identity: %v", got)
	}
}

func TestUnbindingWorksAtOnce(t *testing.T) {
	b := start(t, Config{})
	preview := b.do(kathy, "POST", "/shops/wangjing/codes/preview",
		`{"code":"`+b.code(alice, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)+`"}`, 200)
	b.do(root, "DELETE", "/shops/wangjing/managers/wx-kathy", "", 204)
	b.do(kathy, "POST", "/shops/wangjing/codes/confirm", fmt.Sprintf(`{"claim":%q}`, preview.field("claim")), 403)
	b.do(kathy, "GET", "/shops/wangjing/records", "", 403)
	b.do(root, "DELETE", "/shops/wangjing/managers/wx-kathy", "", 403)

	// Bound elsewhere she acts there.
	token := b.do(root, "POST", "/shops/sanlitun/invitations", "", 200).field("token")
	accept := fmt.Sprintf(`{"token":%q}`, token)
	b.do(li, "POST", "/invitations/accept", accept, 409)
	b.do(kathy, "POST", "/invitations/accept", accept, 200)
	b.do(wang, "POST", "/invitations/accept", accept, 422)
	b.do(kathy, "GET", "/shops/sanlitun/records", "", 200)
	b.do(kathy, "GET", "/shops/wangjing/records", "", 403)
}

func TestShopsAndPrograms(t *testing.T) {
	b := start(t, Config{})
	b.do(root, "PUT", "/shops/a%2Fb", `{"name":"slash","zone":"Europe/Paris"}`, 200)
	if got := b.do(root, "GET", "/shops/a%2Fb", "", 200).field("id"); got != "a/b" {
		t.Errorf("the shop's id is %v, want a/b", got)
	}
	b.do(root, "PUT", "/shops/a%2Fb/stamps/A1659391", "", 409)
	b.do(root, "DELETE", "/shops/wangjing/stamps/A1659391", "", 200)
	b.do(root, "PUT", "/shops/a%2Fb/stamps/A1659391", "", 200)
	if got := b.do(root, "DELETE", "/shops/a%2Fb/stamps", "", 200).field("unbound"); got != 1.0 {
		t.Errorf("%v stamps were unbound, want 1", got)
	}
	b.do(alice, "POST", "/me/presses", press, 404)

	coffee := b.do(root, "GET", "/programs/coffee", "", 200).body
	b.do(root, "PUT", "/programs/coffee/versions/1", coffee, 200)
	b.do(root, "PUT", "/programs/coffee/versions/1", strings.Replace(coffee, "Ten cups", "10 cups", 1), 409)
	b.do(root, "PUT", "/programs/coffee/versions/2", coffee, 422)
	second := strings.Replace(coffee, `"version":1`, `"version":2`, 1)
	b.do(root, "PUT", "/programs/coffee/versions/2", second, 200)
	wrong := strings.NewReplacer(`"version":1`, `"version":3`, `"at":5`, `"at":50`, `"Asia/Shanghai"`, `"Nowhere"`).Replace(coffee)
	res := b.do(root, "PUT", "/programs/coffee/versions/3", wrong, 422)
	if res.field("errors.0.location") != "zone" || res.field("errors.1.location") != "card.rewards[0].at" {
		t.Errorf("the mistakes are told as %s", res.body)
	}
	if got := b.do(root, "GET", "/programs/coffee", "", 200).field("version"); got != 2.0 {
		t.Errorf("version %v is in force, want 2", got)
	}
}

func TestOneConfirmationWins(t *testing.T) {
	b := start(t, Config{})
	claim := b.do(kathy, "POST", "/shops/wangjing/codes/preview",
		`{"code":"`+b.code(alice, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)+`"}`, 200).field("claim")
	var wg sync.WaitGroup
	var mu sync.Mutex
	first := 0
	for range 16 {
		wg.Go(func() {
			res := b.send(kathy, "POST", "/shops/wangjing/codes/confirm", "", strings.NewReader(fmt.Sprintf(`{"claim":%q}`, claim)))
			mu.Lock()
			defer mu.Unlock()
			if res.status != 200 {
				t.Errorf("status %d: %s", res.status, res.body)
			} else if res.header.Get("Idempotency-Replayed") == "" {
				first++
			}
		})
	}
	wg.Wait()
	if got := b.do(alice, "GET", "/me/cards/coffee", "", 200).field("total"); got != 1.0 || first != 1 {
		t.Errorf("16 confirmations of one claim made %v stamps, and %d of them were the first", got, first)
	}
}

func TestWrongCodesAreThrottled(t *testing.T) {
	b := start(t, Config{})
	for i := range 10 {
		res := b.send(kathy, "POST", "/shops/wangjing/codes", fmt.Sprint(i), strings.NewReader(fmt.Sprintf(`{"code":"%06d"}`, i)))
		if res.status == 429 {
			if i == 0 || res.header.Get("Retry-After") == "" {
				t.Errorf("guess %d: %s, Retry-After %q", i, res.body, res.header.Get("Retry-After"))
			}
			return
		}
		if want := "otp: the code is not valid; ask for a new one"; res.status != 422 || res.field("detail") != want {
			t.Fatalf("guess %d: %d %s", i, res.status, res.body)
		}
	}
	t.Error("ten wrong codes in a row are answered")
}

func TestFeed(t *testing.T) {
	b := start(t, Config{})
	want := b.entries()
	var got []string
	cursor := ""
	for range len(want) + 1 {
		page := b.do(root, "GET", "/journal?limit=2&cursor="+cursor, "", 200)
		var feed struct{ Items []journal.Record }
		if err := json.Unmarshal([]byte(page.body), &feed); err != nil {
			t.Fatal(err)
		}
		for _, r := range feed.Items {
			got = append(got, fmt.Sprintf("%s %d %s", r.Subject, r.Seq, r.Key))
		}
		cursor = page.field("next").(string)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the feed gives %d entries, want %d", len(got), len(want))
	}
	b.do(root, "GET", "/journal?cursor=nonsense", "", 422)
	b.do(alice, "POST", "/me/presses", press, 200)
	if got := b.do(root, "GET", "/journal/stamps%2Fcoffee%2Falice", "", 200).field("items.0.kind"); got != "stamps.add" {
		t.Errorf("the journal of alice's card begins with %v", got)
	}
	b.do(root, "POST", "/sweeps", "", 200)
	b.do(root, "POST", "/prunes", "", 200)
}
