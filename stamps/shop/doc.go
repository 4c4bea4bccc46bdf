// Package shop holds shops (门店): when they take part, who manages them and which physical stamps
// belong to them.
//
//   - A shop has a fixed number of slots for managers, two by default; no race fills a third.
//   - An identity (a WeChat account) manages at most one shop, and a physical stamp belongs to at
//     most one.
//   - A physical stamp has one canonical serial and other names; none of them is a name of another
//     stamp.
//   - A manager is bound with an invitation that works once, within 24 hours, in its tenant alone,
//     and is stored as a hash.
//   - An unbinding works at once: whatever asks afterwards is refused, and every invitation from
//     before is withdrawn.
//   - A press is certified by a token that is good once, unless its stamp was bound as one that
//     takes others.
package shop
