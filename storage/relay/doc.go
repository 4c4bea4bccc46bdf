// Package relay hands what the journal tells to those who act on it: another system, a queue, a
// message to a member.
//
// A [Relay] has a name, and reads the journal of a tenant from its beginning, whichever process it
// runs in. It keeps with the rows of the tenant how far it has come, so that a backup, a move or a
// fail-over takes that along.
//
//   - Each entry is handed over at least once: again where a process ended before it was noted, or
//     the handler failed. What must happen once goes by [ID].
//   - Entries of one subject are handed over in their order, one after the other; those of other
//     subjects at the same time, as many as Options.Workers.
//   - An entry that fails is tried again later, and the entries of its subject wait for it; all
//     others go on. After Options.Attempts it is put aside, and its subject goes on without it: see
//     [Relay.Dead].
//   - Where more than Options.Waiting subjects wait, whoever is to be told is taken to be down:
//     nothing new is read until they are fewer.
//   - Of any number of processes one at a time reads the feed of a tenant, by a lease. The others
//     take over when it ends.
//
// A [Handler] is a switch on what entries record: the kinds that each context has as constants,
// which decode the results. See the example of [Relay.Run].
//
// Who tells something of the database alone is better off in the transaction of the command: a relay
// is for what lies outside.
//
// Nothing is announced by the database: on Postgres a NOTIFY would have all commits wait for each
// other. A relay looks for new entries every Options.Poll, and at once after [Relay.Wake].
package relay
