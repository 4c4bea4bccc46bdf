package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestKeysOfClients(t *testing.T) {
	for key, want := range map[string]string{
		"order-1": "order-1", "": "", "202611": "202611", "订单-123456": "订单-123456", "~code-1": "refused", "~": "refused", "a~": "a~",
		"+8613812345678": "hash", "lead-138-1234-5678": "hash", "86 138 1234 5678": "hash", "tel:(010)6552-0000": "hash",
		"１３８１２３４５６７８": "hash", "٠٥٠١٢٣٤٥٦٧": "hash", "138\u00a01234\u00a05678": "hash", "138\u20131234,5678": "hash", "138*1234#5678": "hash",
		"①③⑧①②③④⑤⑥⑦⑧": "hash", "1～２～３～4567": "hash", "单1号2单3号4单5号6单7": "单1号2单3号4单5号6单7", "a1b2c3d4e5f6g7": "a1b2c3d4e5f6g7",
		"1234567": "hash", "0f8fad5b-d9cb-469f-a165-70867728950e": "hash", "0f8fad5b-d9cb-46ef-ae65-7a867a2895ce": "0f8fad5b-d9cb-46ef-ae65-7a867a2895ce",
		strings.Repeat("1", 129): strings.Repeat("1", 129), // too long for any route
	} {
		h := http.Header{"Idempotency-Key": {key}}
		ok := ownKey(h)
		got := h.Get("Idempotency-Key")
		switch {
		case !ok:
			got = "refused"
		case strings.HasPrefix(got, "sha256-") && len(got) == 71:
			got = "hash"
		}
		if got != want {
			t.Errorf("%q becomes %q, want %q", key, got, want)
		}
	}
}

func TestKeysReachTheFeedWithoutNumbers(t *testing.T) {
	b := start(t, Config{})
	body := `{"shop":"wangjing"}`
	post := func(key string) response {
		return b.send(root, "POST", "/cards/coffee/alice/stamps", key, strings.NewReader(body))
	}
	first, again := post("walk-in-13812345678"), post("walk-in-13812345678")
	if first.status != 200 || again.header.Get("Idempotency-Replayed") != "true" {
		t.Fatal(first.body, again.body)
	}
	if other := post("walk-in-13812345679"); other.status != 200 || other.header.Get("Idempotency-Replayed") != "" {
		t.Fatal(other.body)
	}
	if feed := b.do(root, "GET", "/journal?limit=1000", "", 200); strings.Contains(feed.body, "1381234567") {
		t.Error("the feed has a number of a key")
	}
	if res := post("~code-00"); res.status != 400 {
		t.Errorf("a key like a derived one: %d", res.status)
	}
}
