// Package secret holds the type of the keys that engines sign and seal with.
package secret

// A Key is a secret of the embedder's service, from its own configuration. Engines make with it
// what a copy of the database must not give away and what nobody may forge: the index of codes, the
// seals of claims and of the secrets of websites, tokens. No engine stores or logs it. Each purpose
// has a name, which is signed along or has a key derived for it, so that one list of keys serves
// all engines.
//
// The first key of a list signs and seals; all of them verify and open. To rotate, put a new key
// first and keep the others: what a key that is gone has signed or sealed is refused from then on.
// The function New of each package says when a key may go.
type Key struct {
	ID     string // 1 to 32 bytes of a-z, A-Z, 0-9, '-' and '_'; names the key for ever
	Secret []byte // at least 32 bytes from a random source
}
