// Package otp makes and checks one-time codes.
//
// A live code (动态验证码) is one that a third person types: the customer's phone shows six digits, the
// manager of a shop types them, and they alone say who asked and what for. So the digits are unique
// in their scope (the shop), and a guess hits whichever code is live. These hold, under any number
// of callers and processes whose clocks are at most MaxSkew apart:
//
//   - No two codes of a scope that are live, or were within the quarantine, have the same digits.
//   - A holder has at most one live code for a purpose; a new one kills the old.
//   - A code is spent at most once, in the transaction of what it allows, and a claim is of one
//     code of one tenant.
//   - In any window of 10 minutes the wrong guesses in a scope, each weighted by the chance that it
//     had, stay within what 100 guesses at one six-digit code would have: 1 in 10,000 (NIST SP
//     800-63B-4, 3.2.2). The more codes are live, the fewer guesses there are. Neither a success
//     nor a new code gives any back, nor does a restart.
//   - At any number of live codes one typist leaves room for another's two guesses, and one wrong
//     guess leaves room for a right one. (Policy.MaxDigits may give up the former.)
//   - 100 wrong codes in a row stop a typist until somebody lets the typist in again.
//   - Whoever types a wrong code learns only that it is wrong; the journal alone says why. Where a
//     guess has no room, the code is not looked at.
//   - A holder, and a device where it is named, gets as many codes of a scope as a Policy allows,
//     and no more.
package otp
