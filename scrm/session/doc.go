// Package session keeps the sessions (会话) of people who signed in: customers, members of staff.
// The service has verified who they are before it starts one, by WeChat or a code by SMS.
//
//   - A session is known by a token of 256 random bits, which is shown once. What is stored is a
//     hash of it with its tenant and its realm, so that a token is of no use in another one.
//   - A session ends at its absolute end, after a time without use, when a newer one of its
//     subject takes its place, and as soon as it is ended or revoked.
//   - Nothing is cached: whoever checks a token after Revoke, RevokeAll, End or Rotate has returned
//     is refused, in every process.
//   - An invalid token has one error, whether it is unknown or its session has expired, was ended
//     or was revoked.
package session
