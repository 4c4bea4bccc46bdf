// Package stamps is the engine of stamp cards (集章卡) and coupons.
//
// A [Definition] says how a program (集章活动) gives stamps and coupons; [Compile] checks it and
// [Engine.Publish] puts it in force. A member has one [Card] in a program: it is opened by its
// first stamp, and goes on to the next round when it is full. Coupons are issued by a card at its
// milestones, or handed out (发券引流) from a stock.
//
// Every decision is a pure function of values ([Rules]); the [Engine] around it loads, decides,
// saves and retries. These hold for every history of commands, on every adapter:
//
//   - Card.Total is the sum of the stamps that stand; taking a stamp back restores the card as it
//     was before it.
//   - Every milestone at or below Card.Total, since the card last lapsed, has exactly one coupon
//     that stands.
//   - A coupon is redeemed at most once, under any number of racers; a stock never gives more than
//     it holds.
//   - The rules decide how many stamps an Add gives; only a program that gives them by hand takes a
//     number. One command gives, takes or moves at most [MaxStamps].
//   - Taking purchases back, in any order and with others in between, leaves the card as if they
//     had not been made.
//   - A command that is repeated with its key changes nothing and gives its first result, with
//     Replayed true.
//   - A round keeps the version of the program that it began with.
//
// A command names the shop that does it in its [Place], for which the caller answers. Without one
// it is the administrator's. These shops may:
//
//   - Claim: those that take part by the version in force, where somebody vouches that the member
//     is there.
//   - Redeem: those of the reward, or else of the program, by the version of the coupon.
//   - Cancel: the shop that gave the stamps, and where [CancelAt] says so each that takes part by
//     the version that gave them.
//   - Void and Undo: the shop that gave or redeemed the coupon; where the customer asked for it,
//     each that takes part by the version of the coupon.
//   - Add, Adjust and Transfer: those that take part by the version of the round.
//
// The administrator may do all of these, but Add, Claim and Redeem in a program of certain shops,
// which need one of them.
package stamps
