// Package customer keeps who is who: customers (客户), the identities with which they sign in, what
// they tell of themselves, how they want to be addressed and what they agreed to.
//
// A customer has an id that is the member of points, cards and rewards. An [Identity] is what
// somebody has proven to be: a WeChat openid of one app, a WeChat unionid of one open-platform
// account, a phone number, a mail address. It belongs to one customer at most, and the database
// decides to whom. SignIn finds the customer of an identity, or makes one; Link adds another
// identity to a customer. Both take what the caller has verified: the package verifies nobody.
//
// What tells about a person is stored encrypted, with AES-256-GCM under a key of the service:
// profiles and identities. An identity is found by a keyed hash of it. The journal has neither.
//
// What a customer agreed to is never changed, only followed by what is said later: see [Consent].
package customer
