package loyalty

import "github.com/scrmkit/scrmkit/storage/journal"

// The kinds of the package's entries in the journal. Their subject is the account,
// "loyalty/<program>/<member>". Any of them may have changed the level of the member.
const (
	KindEarn     journal.Kind[Outcome] = "loyalty.earn"     // points were earned
	KindRedeem   journal.Kind[Outcome] = "loyalty.redeem"   // points were spent
	KindReserve  journal.Kind[Outcome] = "loyalty.reserve"  // points were set aside
	KindCapture  journal.Kind[Outcome] = "loyalty.capture"  // points that were set aside were spent
	KindRelease  journal.Kind[Outcome] = "loyalty.release"  // points that were set aside may be spent again
	KindActivate journal.Kind[Outcome] = "loyalty.activate" // points that were pending may be spent
	KindAdjust   journal.Kind[Outcome] = "loyalty.adjust"   // points were given or taken by hand
	KindTransfer journal.Kind[Outcome] = "loyalty.transfer" // points went to another member: an entry of either account
	KindRefund   journal.Kind[Outcome] = "loyalty.refund"   // what a purchase gave was taken back
	KindReturn   journal.Kind[Outcome] = "loyalty.return"   // points that were spent were given back
	KindExpire   journal.Kind[Outcome] = "loyalty.expire"   // what time has done was posted: points that ended, holds, a level
	KindTier     journal.Kind[Outcome] = "loyalty.tier"     // a level was set by hand
	KindImport   journal.Kind[Outcome] = "loyalty.import"   // an account was opened with what the member had in another system
	KindMerge    journal.Kind[Outcome] = "loyalty.merge"    // a member turned out to be another one: an entry of either account
)

var entryKinds = []journal.AnyKind{
	KindEarn, KindRedeem, KindReserve, KindCapture, KindRelease, KindActivate, KindAdjust, KindTransfer, KindRefund, KindReturn,
	KindExpire, KindTier, KindImport, KindMerge,
}
