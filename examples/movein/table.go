package main

import (
	"cmp"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

// A member is one of the other system, with the books that it has there.
type member struct {
	loyalty.Import
	books map[ids.Currency]loyalty.Totals // Issued and Redeemed, as the lines of the files give them
}

// arriving returns a member without anything. Its key is that of every import: one moves in once.
func arriving(d loyalty.Definition, id string) member {
	return member{
		Import: loyalty.Import{Account: loyalty.AccountID{Program: d.ID, Member: ids.Member(id)}, Reason: "moved in", Key: "move-in"},
		books:  map[ids.Currency]loyalty.Totals{},
	}
}

// of returns the points of a currency that the member comes with.
func (m *member) of(id ids.Currency) *loyalty.Opening {
	i := slices.IndexFunc(m.Points, func(o loyalty.Opening) bool { return o.Currency == id })
	if i < 0 {
		i = len(m.Points)
		m.Points = append(m.Points, loyalty.Opening{Currency: id})
	}
	return &m.Points[i]
}

// fromTable yields the members of a table.
func fromTable(file string, d loyalty.Definition) iter.Seq2[member, error] {
	return func(yield func(member, error) bool) {
		var m member
		for l, err := range lines(file, "member") {
			if err == nil {
				if id := l.text("member"); m.books == nil || id != string(m.Account.Member) {
					if m.books != nil && !yield(m, nil) {
						return
					}
					m = arriving(d, id)
				}
				m.add(l, d.Currencies[0].ID)
				err = l.err
			}
			if err != nil {
				yield(member{}, err)
				return
			}
		}
		if m.books != nil {
			yield(m, nil)
		}
	}
}

// add adds a line of the table. What is of the member, and not of a lot, is that of its first line.
func (m *member) add(l *line, first ids.Currency) {
	if len(m.books) == 0 {
		m.Joined, m.Active = l.time("joined"), l.time("active")
		m.Tier = loyalty.OpeningTier{Level: ids.Level(l.text("level")), Since: l.time("since"), Until: l.time("until")}
	}
	currency := cmp.Or(ids.Currency(l.text("currency")), first)
	n, redeemed, expired := l.points("points"), l.points("redeemed"), l.points("expired")
	o, t := m.of(currency), m.books[currency]
	if n > 0 {
		o.Lots = append(o.Lots, loyalty.OpeningLot{N: n, From: l.time("from"), To: l.time("expires")})
	}
	o.Redeemed, o.Expired = o.Redeemed+redeemed, o.Expired+expired
	t.Issued, t.Redeemed = t.Issued+n+redeemed+expired, t.Redeemed+redeemed
	m.books[currency] = t
}
