// Package delivery proves by a one-time code (短信验证码) that somebody reads what is sent to a
// telephone number or a mailbox.
//
// Send makes a code of an address and a purpose, and puts a message with it into an outbox. A
// worker of the service calls Deliver, which hands what is pending over to a message.Sender,
// outside of every transaction. Whoever typed the code proves it with Verify; or with Check outside
// of the transaction of what the code allows, and Spend inside it.
//
// A verification begins as a code of an address and a purpose is sent, and lasts until it is proved
// or has lapsed. These hold, under any number of callers and processes whose clocks are at most
// MaxSkew apart:
//
//   - A verification ends once: no code, and no claim of one, is accepted twice.
//   - A new code kills the one before it, and gives back no wrong code that was counted.
//   - A code dies with MaxTries wrong ones, and between two codes so do all codes of their address.
//     In a verification at most MaxSends codes are sent, and MaxWrong wrong ones counted.
//   - At most 54 wrong codes are taken for an address in its first 24 hours, a chance of 1 in
//     18,518 to hit one of six digits, and fewer on each day after it; with MaxMisses until the
//     address is verified the chance is 1 in 10,000 (NIST SP 800-63B-4, 3.2.2), and then nothing
//     is sent to it until somebody calls Admit.
//   - No more messages than a Policy allows are asked for of an address, from an origin, for a
//     tenant, and to numbers that begin with a calling code, however many ask at once.
//   - A message is handed over at most once. Where it is not known whether it was, it is not sent
//     again.
//   - Whoever asks for a code or types one learns nothing of whether the service knows the address:
//     Send.Silent does everything but send.
//   - No address and no code is in a key, the journal, an error or a hook. The outbox has both,
//     sealed, until the message is handed over or of no more use.
//
// An address and an origin have no name in the database but a keyed hash. What is kept of an
// address is found under each key of the engine; budgets of addresses and origins begin anew as the
// first key changes. Every process has to have a key before one of them has it first, so a new key
// is put behind the others everywhere, and then moved to the front. A key may go once no message
// and claim of it is under way; what addresses have under it alone is forgotten then, wrong codes
// included.
package delivery
