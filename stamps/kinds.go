package stamps

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is the card,
// "stamps/<program>/<member>", or for a coupon that was claimed
// "stamps/<program>/<member>/<number of the claim>".
const (
	KindAdd      journal.Kind[Outcome] = "stamps.add"      // stamps were given
	KindCancel   journal.Kind[Outcome] = "stamps.cancel"   // stamps were taken back
	KindImport   journal.Kind[Outcome] = "stamps.import"   // a card was opened with what the member had in another system
	KindAdjust   journal.Kind[Outcome] = "stamps.adjust"   // a card was changed by hand
	KindTransfer journal.Kind[Outcome] = "stamps.transfer" // stamps were moved: an entry of either card
	KindExpire   journal.Kind[Outcome] = "stamps.expire"   // stamps or a coupon lapsed
	KindClaim    journal.Kind[Outcome] = "stamps.claim"    // a coupon was claimed; the subject is "stamps-claim/<program>/<member>"
	KindRedeem   journal.Kind[Outcome] = "stamps.redeem"   // a coupon was used
	KindUndo     journal.Kind[Outcome] = "stamps.undo"     // a redemption was taken back
	KindVoid     journal.Kind[Outcome] = "stamps.void"     // a coupon was ended by hand
)

var entryKinds = []journal.AnyKind{
	KindAdd, KindCancel, KindImport, KindAdjust, KindTransfer, KindExpire, KindClaim, KindRedeem, KindUndo, KindVoid,
}
