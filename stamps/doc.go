// Package stamps is the engine of stamp cards (集章卡) and coupons.
//
// A [Definition] says how a programme (集章活动) gives stamps and coupons; [Compile] checks it and [Engine.Publish] puts it
// in force. A member has one [Card] in a programme: it is opened by its first stamp, and goes on to the next round when it
// is full. Coupons are issued by a card at its milestones, or handed out (发券引流) from a stock.
//
// Every decision is a pure function of values ([Rules]); the [Engine] around it loads, decides, saves and retries. These
// hold for every history of commands, on every adapter:
//
//   - Card.Total is the sum of the stamps that stand; taking a stamp back restores the card as it was before it.
//   - Every milestone at or below Card.Total, since the card last lapsed, has exactly one coupon that stands.
//   - A coupon is redeemed at most once, under any number of racers; a stock never gives more than it holds.
//   - A command that is repeated with its key changes nothing and gives its first result, with Replayed true.
//   - A round keeps the version of the programme that it began with.
package stamps
