// Package routing spreads visitors over the accounts of a line (分流链接): each is sent to one
// of them, and waits where none can take more.
//
//   - Online accounts come first; then who has the smallest part of today's target done, then who
//     has the fewest in total, then chance, from a seed.
//   - A visitor who comes again is sent to the same account, for as long as that takes visitors:
//     not to one that has gone offline, where one that is online has room.
//   - Targets count leads, where somebody counts the leads of an account: see [Leads]. A visitor
//     who was sent has a place until a lead is counted or the place lapses. No account is sent more
//     than leads and places leave of its caps, under any race.
//   - Who has waited for too long has gone, and uses nothing up.
//   - Strangers fill no line: newcomers have a rate, of the line and of their origin, and a line
//     may ask for tokens that the page of the embedder signs: see [Engine.Sign].
//   - Who waits is served in the order of coming, before any who come later, and by accounts that
//     are online alone.
//
// The choice is a pure function of the line: see [Line.Choose]. Who is online is for the caller to
// say, with each command.
package routing
