package shop

import (
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// The kinds of the package's entries in the journal, with their subjects.
const (
	KindPut          journal.Kind[Outcome]   = "shop.put"          // a shop was made or changed: "shop/<shop>"
	KindInvite       journal.Kind[Outcome]   = "shop.invite"       // an invitation was made: "shop/<shop>"
	KindWithdraw     journal.Kind[Outcome]   = "shop.withdraw"     // invitations were ended: "shop/<shop>"
	KindBind         journal.Kind[Outcome]   = "shop.bind"         // an invitation was accepted: "shop-manager/<identity>"
	KindUnbind       journal.Kind[Outcome]   = "shop.unbind"       // a manager was removed: "shop-manager/<identity>"
	KindBindStamp    journal.Kind[Outcome]   = "shop.bindStamp"    // a shop got a physical stamp: "shop-stamp/<serial>"
	KindUnbindStamps journal.Kind[Outcome]   = "shop.unbindStamps" // physical stamps were taken from a shop: "shop/<shop>"
	KindPress        journal.Kind[UsedPress] = "shop.press"        // the token of a press was used: "shop-press/<nonce of the token>"
)

var entryKinds = []journal.AnyKind{
	KindPut, KindInvite, KindWithdraw, KindBind, KindUnbind, KindBindStamp, KindUnbindStamps, KindPress,
}

// A UsedPress is what the journal keeps of a press whose token was used.
type UsedPress struct {
	Ref  string   `json:"ref"`  // of the physical stamp
	Shop ids.Shop `json:"shop"` // shop that the stamp belongs to
}
