// Package authenticator keeps second factors: the codes of an authenticator app (动态口令; TOTP, RFC
// 6238), and recovery codes (恢复码) for whoever has lost it. A [Subject], a customer or a member of
// staff, has one authenticator and one set of recovery codes.
//
// A service asks for a new authenticator with [Engine.Enroll], shows its secret as a QR code, and
// has the first code confirm it with [Engine.Confirm]. From then on [Engine.Verify] checks codes.
// [Engine.Renew] makes recovery codes, and [Engine.Recover] takes one in place of a code. These
// hold, under any number of callers and processes:
//
//   - A code is accepted once. The time steps of the codes that an authenticator accepts grow, from
//     that of the code that confirmed it on.
//   - A wrong code is counted and committed before its answer is returned: no rollback, restart or
//     other process forgives it. From the fifth in a row on no code is looked at for a time that
//     grows (see [Wait]), and [MaxFailures] in a row disable the authenticator until another one
//     takes its place (NIST SP 800-63B-4, 3.2.2).
//   - Whoever types a wrong code learns only that it is wrong; the journal alone says why.
//   - A recovery code is accepted once. It has 120 random bits, so wrong ones need not be counted,
//     and whoever disables an authenticator with wrong codes does not close the way back.
//   - A secret is stored sealed, and opens for one tenant, subject and enrollment alone. Recovery
//     codes are stored as keyed hashes, sealed. No journal, error or hook has a secret or a code.
//
// The service answers for who calls: whoever enrolls, renews, disables or removes has proved to be
// the subject, or may do that for others.
package authenticator
