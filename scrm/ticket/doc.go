// Package ticket takes the orders and leads that websites push (网站工单), and finds by templates who
// is to handle them.
//
//   - A [Site] signs what it pushes, with one of at most two secrets, as its [Scheme] or its
//     [Signing] says. What is forged, stale or cut short is refused, and as much is hashed to find
//     out, whatever is wrong with it.
//   - What was signed is stored as it came, before anything looks into it. The same push again is
//     the same ticket; another body under its id is refused.
//   - [Templates] are versioned: rules in an order, each with a condition, with what to read from
//     where, and with where the ticket goes. The first one that is met counts. A ticket names that
//     one, and those before it that could not be decided.
//   - A ticket that no template is for, whose telephone number can't be read, or that nobody has
//     room for waits for somebody to look at it. Nothing is guessed, and nothing is lost: processed
//     again with other templates, it comes to what those say.
//   - A ticket is at a code, taken by one of its agents, handed back or finished. Where a code or
//     an account goes, who knows them recalls its tickets: they wait for somebody, with the reason.
//   - A push is one ticket, whatever lists its body has: a template reads one element at a path with
//     its number, and the others are in the body alone. Where a site says what the id of an order is,
//     a body that is a list of several orders is refused, so that the shop pushes each by itself.
//   - The pushes of one order may be one ticket with its history: see [Ordering].
//
// Decisions are pure functions: see [Program.Decide] and [Scheme.Verify].
package ticket
