// Package loyalty keeps points (积分) and levels (等级): what members earn for purchases and other
// events, by the rules of a program, and what becomes of it.
//
// A [Definition] is a program as a team writes it, in Go or in JSON; [Compile] checks it, and a
// version of it never changes once it is published. An [Engine] runs commands on accounts: [Earn],
// [Redeem], [Reserve], [Capture], [Release],
// [Activate], [Adjust], [Transfer], [Refund], [Return], [Expire], [SetTier], [Import],
// [Merge]. What it
// decides are methods of [Program]: pure functions of an [Account], which say in steps how a number
// came about. A [Simulation] runs the same commands in memory.
//
// Points are whole numbers, in units of their currency; money is whole minor units. Rates and
// multipliers are exact decimals. Windows are half-open, [from, to), and calendars run in the
// program's zone.
//
// These hold for every history of commands:
//
//   - The books add up: Totals.Outstanding is the sum of Wallet.Total, of an account and of all of
//     them.
//   - The entries of an account are numbered from 1 without a gap, and each has the hash of the one
//     before: Engine.Verify.
//   - What a purchase earns depends neither on the order of its lines nor on that of the rules.
//   - All refunds of a purchase together take back the share of it that came back in what it
//     earned, by its lines and rounded down, and no more than that; but for milestones, which go as
//     soon as their metric does not come to them. Of a rule with Part Carry they take back whole
//     blocks, after what it carries: a part of a block stays owed, and less than two blocks of the
//     share are taken later than the rest. Where other purchases used what it carried, blocks that
//     they completed go once all of the purchase came back.
//   - A level that has a Gift gives it once for being reached by what is counted, or once each time,
//     and takes it back where it was not reached after all.
//   - A purchase that was returned in full leaves points, metrics, caps, what is carried,
//     milestones, gifts and, where levels go with refunds (OnRefund, or without Valid), the level
//     as if it had not been, in whatever order purchases and refunds are reported: what a cap kept
//     from another purchase comes in its place, and a block or a milestone that others completed
//     thanks to it goes. This holds as long as tallies keep the days (Definition.Late, and for
//     levels as long as they are valid).
//   - Events that are reported in any order within Definition.Late leave the same points, metrics,
//     caps, milestones, gifts and level, in the same bounds; since when a level is had, to the day.
//     A rule that asks for the level sees the one of the event's time, as far as it was known when
//     the event was reported.
//   - Apart from the last two stand, and depend on what came first: the last activity; what was
//     given for a level that a returned purchase brought; points that went with a level
//     (Tiers.Lose): a refund takes them where the level had fallen without what was returned, and a
//     late event brings none back; milestones of a rule with If or MinSpend, which the first event
//     that meets it brings, and which stay while the metric comes to them; what others have in the
//     place of a purchase under a cap on times, where the rule does not give the same each time,
//     and under one on points, where the rule is multiplied; on which day a cap on a longer time,
//     or a carried block, gives, and so what a cap of the program on a shorter time leaves of it;
//     the share that a part of a purchase takes back of what a cap left it, or of blocks; the level
//     where it is given at the end of windows (AtEnd); of what rolled over, milestones, and until
//     when it gives a level again; when a gift ends; and gifts that come again (Gift.Again) where
//     the level stays.
//   - A version that leaves out a metric, a milestone or, where there are no caps, a rule may be
//     followed by one that has it again, within a year: what was counted goes on, without what came
//     in between. What was given for milestones by a rule that is gone goes back with all of the
//     purchase that reached them; the gift of a level that is gone stays. Under a cap that is gone
//     nothing comes in the place of a purchase, and one that comes back does not know what was
//     refunded in between.
//   - A metric counts from the version that brings it: a refund takes nothing of it back for what
//     was earned before.
//   - What a member has, and the level, follow from the account and the time: no batch job has to
//     run before they are right, and asking in between changes no later answer.
//   - No lot and no hold is ever below zero. Spending takes what ends first, then the oldest, and
//     what is given back goes to the lots that it came from, and lapses there if they have ended.
//   - Where points end with inactivity, none of an account, available, held or given back, ends
//     sooner after an activity than the rule says. Ends depend on the rule and on what happened
//     alone: reserving and releasing changes none, and an activity that is reported late renews
//     what had lapsed without it.
//   - What lapsed unspent is owed by nobody.
//   - A wallet has at most one lot for each end that lies ahead, besides those that have not begun,
//     however many credits it has seen. A tally has at most one number for each day that it keeps.
package loyalty
