// Package reward keeps what points are exchanged for (积分兑换): a catalog with stock, and the
// vouchers (兑换券) that members took from it, to be redeemed once in a shop.
//
// A Definition is a catalog as a team writes it, in Go or in JSON; Compile checks it, and a
// version of it never changes once it is published. An Engine runs commands: Issue takes pieces of
// a reward at once; Reserve sets them aside, to be captured or cancelled; Redeem uses a voucher, in
// one shop; Undo, Return and Void correct that; Import brings in vouchers of another system. What the
// engine decides are methods of Rules: pure functions. The points that a reward costs are another
// context's: package redemption spends them in the same transaction.
//
// These hold for every history of commands:
//
//   - Stock never goes below zero, and no limit is passed, however many take at once.
//   - A voucher is redeemed once. Its state is a function of its row and the time: no batch job has
//     to run before it is right.
//   - What was reserved and not captured in time is given back to the stock, at the latest when the
//     next one finds it empty.
//   - A voucher keeps the rules of the version of the catalog that it was taken with.
//   - No code is stored. It is made from a secret of the embedder's and a random number of the
//     voucher's; who has the database alone has no code. It holds in one tenant: in every other it
//     is unknown, whatever rows are there.
//
// What a voucher takes off a cart is data on its reward too: Discounts, from which Catalog.Deduct
// computes it, line by line and explained, and which say how much of an order points may pay.
//
// A code is a prefix, 15 random characters (75 bits) and a check character, of the 32 letters and
// digits of Crockford's base 32. Case, separators and what looks alike (O and 0, I, L and 1) don't
// matter. The check character finds every single wrong character, and every two that were swapped.
//
// A voucher of another system has such a code too, and is found by the one that it came with as well,
// whose case, spaces and hyphens don't matter. That one is as hard to guess as the other system made
// it: where it is short, bound how often a shop may try.
package reward
