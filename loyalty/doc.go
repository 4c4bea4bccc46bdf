// Package loyalty keeps points (积分).
//
// A [Wallet] holds the points of one member in one currency, in lots: each [Lot] begins and ends by itself, so that what a
// wallet holds at an instant follows from it and the time, and no batch job has to run before the answer is right. An
// [Expiry] says when lots end. A [Tally] counts what caps and tiers look back to, by the day, and a [Window] says how far.
//
// There is no engine around them yet: whoever uses them stores the values, as JSON, under a version of their own.
//
// Everything here is a pure function of values: a method returns the wallet as it is afterwards and the [Movement] for the
// books, and on an error the wallet is the one that it was called on. These hold for every history of calls:
//
//   - Wallet.Total changes by what a movement credited, less what it took, what lapsed and what it made the member owe.
//   - No lot and no hold is ever below zero; spending takes what ends first, then the oldest.
//   - Asking in between, at whatever times, changes no later answer.
//   - What was spent goes back to the lots that it came from, and lapses there if they have ended.
//   - A wallet has at most one lot for each end that lies ahead, besides those that have not begun, however many
//     credits it has seen. A tally has at most one number for each day that it keeps.
package loyalty
