// Package notice is the outbox of what members are told (通知): that points came in, that a card is
// full.
//
// Post puts notices into it, each once by its key, also in the transaction of what they are about.
// Deliver hands what is due to a [Sender], which knows whom to reach how, and whether they want it.
//
//   - A notice is told from a time on and before another one. What can't be told by then, because
//     the member sleeps or the platform is down, has expired and is never told.
//   - A notice is handed over by one worker at a time. One whose worker was killed meanwhile is
//     handed over again, so that none is lost; a Sender tells a member once, by the key.
//   - A notice that comes again by its key changes nothing, until Prune forgets it. Prune forgets
//     none before it would have expired, and Post takes none that has: whoever reads a journal from
//     its beginning again tells nobody anything twice.
//
// A notice is stored as it is, and is no place for codes and other secrets: package otp/delivery
// sends those. The journal has no entries of notices.
package notice
