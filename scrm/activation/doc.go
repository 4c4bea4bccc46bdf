// Package activation holds activation codes (激活码): what an agent (客服) signs in with, what that code
// may do, and the channel accounts (主号) that work under it.
//
//   - A [Code] has 130 random bits. It is shown once, as it is made or renewed, and stored as a keyed hash; its ID, the first eight
//     characters of it, is the label that it goes by everywhere.
//   - A [Session] is what a code and a device give. It ends in the moment that the code is disabled, deleted or renewed, or
//     expires: every call asks.
//   - A [Port] (端口) is a place for one channel account. Ports in use are never more than the code's capacity, or than its
//     [Pool] has for all codes together, under any race.
//   - An account is with one port, of one code: no other code takes it while it is linked. What a session leaves without an
//     account is closed with it.
//   - A device that was added has a token, without which a code that is for such devices alone does not work there.
//   - Why a code does not work is shown to whoever has the code in hand, and to nobody else.
//
// Platforms are names: which ones there are is for the embedder to say.
package activation
