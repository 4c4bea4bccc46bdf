package loyalty

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/ids"
)

// A canonical is JSON as this package writes it: without space, with known fields, and texts
// without escapes. It is bad once it is anything else, and encoding/json reads it then.
type canonical struct {
	rest []byte
	bad  bool
}

// is takes a byte that may come next.
func (c *canonical) is(b byte) bool {
	if len(c.rest) == 0 || c.rest[0] != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// must takes the byte that has to come next.
func (c *canonical) must(b byte) {
	if !c.is(b) {
		c.bad = true
	}
}

// quoted takes what stands between quotes.
func (c *canonical) quoted() (text []byte) {
	c.must('"')
	end := bytes.IndexByte(c.rest, '"')
	if end < 0 {
		c.bad = true
		return nil
	}
	text, c.rest = c.rest[:end], c.rest[end+1:]
	return text
}

// text takes a text.
func (c *canonical) text() []byte {
	text, ascii := c.quoted(), true
	for _, b := range text {
		c.bad = c.bad || b < ' ' || b == '\\'
		ascii = ascii && b < utf8.RuneSelf
	}
	c.bad = c.bad || !ascii && !utf8.Valid(text)
	return text
}

// number takes an integer.
func (c *canonical) number() int64 {
	end := max(0, bytes.IndexAny(c.rest, ",}"))
	digits := bytes.TrimPrefix(c.rest[:end], []byte("-"))
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(digits) > 1 {
		c.bad = true
		return 0
	}
	n, err := strconv.ParseInt(string(c.rest[:end]), 10, 64)
	c.rest, c.bad = c.rest[end:], c.bad || err != nil
	return n
}

// binary takes bytes, and appends them to those.
func (c *canonical) binary(to []byte) []byte {
	text := c.quoted()
	to, err := base64.StdEncoding.AppendDecode(to, text)
	c.bad = c.bad || err != nil || bytes.ContainsAny(text, "\r\n")
	return to
}

// object calls fn for each field, whose value fn takes where it knows the field.
func (c *canonical) object(fn func(field []byte)) {
	if c.must('{'); c.is('}') {
		return
	}
	for !c.bad {
		field := c.quoted()
		if c.must(':'); c.bad {
			return
		}
		if fn(field); c.is('}') {
			return
		}
		c.must(',')
	}
}

// array calls fn for each element, which fn takes.
func (c *canonical) array(fn func()) {
	if c.must('['); c.is(']') {
		return
	}
	for !c.bad {
		if fn(); c.is(']') {
			return
		}
		c.must(',')
	}
}

// pass passes over a value.
func (c *canonical) pass() {
	depth, quoted := 0, false
	for i := 0; i < len(c.rest); i++ {
		switch b := c.rest[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			depth++
		case depth == 0 && (b == ',' || b == '}' || b == ']'):
			c.rest, c.bad = c.rest[i:], c.bad || i == 0
			return
		case b == '}' || b == ']':
			depth--
		}
	}
	c.bad = true
}

// linkOf returns what Entry.Before is to a ledger, which mostly is of that member.
func linkOf(before []byte, own ids.Member) (l link, err error) {
	c := canonical{rest: before}
	hashes := make([]byte, 0, 4*36) // of one allocation: four SHA-256, with room for what base64 rounds up
	hash := func() []byte {
		begin := len(hashes)
		hashes = c.binary(hashes)
		return hashes[begin:len(hashes):len(hashes)]
	}
	seen := uint8(0)
	once := func(bit uint8) {
		c.bad = c.bad || seen&bit != 0
		seen |= bit
	}
	c.object(func(field []byte) {
		switch string(field) {
		case "seq":
			once(1)
			l.Seq = c.number()
		case "hash":
			once(2)
			l.Hash = hash()
		case "state":
			once(4)
			l.State = hash()
		case "booking":
			once(8)
			l.Booking = &booked{}
			c.object(func(field []byte) {
				switch string(field) {
				case "member":
					once(16)
					if m := c.text(); string(m) == string(own) {
						l.Booking.Member = own
					} else {
						l.Booking.Member = ids.Member(m)
					}
				case "key":
					once(32)
					l.Booking.Key = string(c.text())
				case "hash":
					once(64)
					l.Booking.Hash = hash()
				default:
					c.bad = true
				}
			})
		case "terms":
			once(128)
			version, sum := 0, 0
			c.object(func(field []byte) {
				switch string(field) {
				case "version":
					version++
					l.Terms.Version = int(c.number())
				case "hash":
					sum++
					l.Terms.Hash = hash()
				default:
					c.bad = true
				}
			})
			c.bad = c.bad || version > 1 || sum > 1
		default:
			c.bad = true
		}
	})
	if c.bad || len(c.rest) > 0 {
		l = link{}
		err = json.Unmarshal(before, &l)
	}
	return l, err
}

// A posted is what a move added to the books.
type posted struct {
	currency ids.Currency
	totals   Totals
}

// postedBy appends what the moves of an outcome added to the books, and reports whether the outcome
// is canonical; where it is not, nothing is known of it. currency returns an id for its text.
func postedBy(to []posted, outcome []byte, currency func([]byte) ids.Currency) ([]posted, bool) {
	c := canonical{rest: outcome}
	moves := 0
	c.object(func(field []byte) {
		switch string(field) {
		case "moves":
			moves++
			c.array(func() {
				var p posted
				currencies, totals := 0, 0
				c.object(func(field []byte) {
					switch string(field) {
					case "currency":
						currencies++
						p.currency = currency(c.text())
					case "totals":
						totals++
						p.totals = c.totals()
					case "at", "credited", "taken", "held", "lapsed", "begun", "repaid", "owed", "forgone", "balance":
						c.pass()
					default:
						c.bad = true
					}
				})
				c.bad = c.bad || currencies != 1 || totals != 1
				to = append(to, p)
			})
		case "account", "command", "seq", "at", "steps", "tier", "status", "reason", "of", "peer":
			c.pass()
		default:
			c.bad = true
		}
	})
	return to, !c.bad && len(c.rest) == 0 && moves <= 1
}

func (c *canonical) totals() (t Totals) {
	fields := 0
	c.object(func(field []byte) {
		var to *int64
		switch string(field) {
		case "issued":
			to = &t.Issued
		case "redeemed":
			to = &t.Redeemed
		case "expired":
			to = &t.Expired
		case "revoked":
			to = &t.Revoked
		case "received":
			to = &t.Received
		case "sent":
			to = &t.Sent
		default:
			c.bad = true
			return
		}
		fields++
		c.bad = c.bad || *to != 0
		*to = c.number()
	})
	return t
}
