package reward

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is the holder,
// "reward/<catalog>/<member>". Vouchers have no code in their results.
const (
	KindIssue   journal.Kind[Outcome] = "reward.issue"   // vouchers were issued
	KindReserve journal.Kind[Outcome] = "reward.reserve" // pieces of a reward were set aside
	KindCapture journal.Kind[Outcome] = "reward.capture" // what was reserved was issued
	KindCancel  journal.Kind[Outcome] = "reward.cancel"  // what was reserved was given back
	KindRedeem  journal.Kind[Outcome] = "reward.redeem"  // a voucher was used
	KindUndo    journal.Kind[Outcome] = "reward.undo"    // a redemption was taken back
	KindReturn  journal.Kind[Outcome] = "reward.return"  // a voucher was given back
	KindVoid    journal.Kind[Outcome] = "reward.void"    // a voucher was ended by hand
	KindMerge   journal.Kind[Outcome] = "reward.merge"   // a member turned out to be another one: an entry of either holder
	KindImport  journal.Kind[Outcome] = "reward.import"  // vouchers of another system came in
	KindExpire  journal.Kind[Outcome] = "reward.expire"  // the end of a voucher was posted
)

var entryKinds = []journal.AnyKind{
	KindIssue, KindReserve, KindCapture, KindCancel, KindRedeem, KindUndo, KindReturn, KindVoid, KindMerge, KindImport, KindExpire,
}
