// Package callback receives what WeChat pushes to a service: messages of users, and events such as
// an agreement to messages.
//
// A [Receiver] is the handler of the address that WeChat's console has, in its secure mode: a push
// is taken where msg_signature is that of its ciphertext, its time is near, and it is for the app.
// It is handed on exactly once, in a transaction, however often WeChat sends it or somebody replays
// it. The same code serves WeCom, whose pushes are for a corp id.
package callback
