package stamps

import (
	"context"
	"embed"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package. Everything of a card changes under its version.
var Tables = storage.Schema{Name: "stamps", Tables: []storage.Declared{programs, cards, records, coupons}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A peerID is a CardID as it is stored: by name.
type peerID struct {
	Program ProgramID  `json:"program"`
	Member  ids.Member `json:"member"`
	Claim   int64      `json:"claim,omitempty"`
}

var (
	programs = published.NewVersions[ProgramID, Definition]("stamps_program")
	cards    = storage.NewTable("stamps_card", func(c *storage.Columns, k *Card) {
		cardKey(c, &k.ID)
		c.Key()
		c.Version(&k.Version)
		storage.Text(c, "nickname", &k.Nickname)
		storage.Int(c, "began", &k.Began)
		storage.Int(c, "round", &k.Round)
		storage.Int(c, "count", &k.Count)
		storage.Int(c, "total", &k.Total)
		storage.Time(c, "opened", &k.Opened)
		storage.Time(c, "expires", &k.Expires)
		storage.Int(c, "number", &k.Number)
		stateColumn(c, &k.State)
	}).Fill(80)
	records = storage.NewTable("stamps_record", func(c *storage.Columns, r *Record) {
		cardKey(c, &r.Card)
		storage.Int(c, "seq", &r.Seq)
		c.Key()
		storage.Text(c, "purpose", &r.Purpose)
		storage.Int(c, "n", &r.N)
		storage.Int(c, "cancelled", &r.Cancelled)
		storage.Derived(c, "stands", r.stands)
		storage.Int(c, "cancels", &r.Of)
		storage.Int(c, "coupon", &r.Coupon)
		peer := (*peerID)(r.Peer)
		c.State("peer", 1, &peer)
		r.Peer = (*CardID)(peer)
		storage.Time(c, "at", &r.At)
		storage.Text(c, "shop", &r.Shop)
		storage.Text(c, "actor", &r.By)
		storage.Text(c, "via", &r.Via)
		storage.Text(c, "nickname", &r.Nickname)
		storage.Derived(c, "nick_key", func() string { return strings.ToLower(r.Nickname) })
		c.State("purchase", 1, &r.Purchase)
		storage.Text(c, "reason", &r.Reason)
		storage.Int(c, "began", &r.Began)
	}).Of(cards)
	coupons = storage.NewTable("stamps_coupon", func(c *storage.Columns, k *Coupon) {
		cardKey(c, &k.ID.Card)
		storage.Int(c, "n", &k.ID.N)
		c.Key()
		storage.Text(c, "reward", &k.Reward)
		storage.Text(c, "name", &k.Name)
		storage.Int(c, "began", &k.Began)
		storage.Int(c, "pos", &k.Pos)
		storage.Text(c, "state", &k.State)
		storage.Time(c, "issued", &k.Issued)
		storage.Time(c, "expires", &k.Expires)
		storage.Derived(c, "due", k.due)
		storage.Time(c, "ended", &k.Ended)
		storage.Text(c, "shop", &k.Shop)
		storage.Text(c, "actor", &k.By)
		storage.Text(c, "nickname", &k.Nickname)
		storage.Text(c, "issuer", &k.Issuer)
	}).Of(cards)

	cardsByID   = cards.Primary().Filter("claim")
	byNumber    = cards.Unique("number", "program", "number").Only("number")
	byExpiry    = cards.Index("expires", "expires").Only("expires").Filter("claim")
	recordsByID = records.Primary().Filter("stands", "purpose", "nick_key")
	byShop      = records.Index("shop", "shop", "at").Only("shop").Filter("member", "program", "claim", "purpose", "nick_key")
	couponsByID = coupons.Primary().Filter("state")
	byDue       = coupons.Index("due", "due").Only("due")
)

func cardKey(c *storage.Columns, id *CardID) {
	storage.Text(c, "member", &id.Member)
	storage.Text(c, "program", &id.Program)
	storage.Int(c, "claim", &id.Claim)
}

// key are the first values of the keys of a card, and of what belongs to it.
func (id CardID) key() []any { return []any{id.Member, id.Program, id.Claim} }

// stands is 1 where the record gave stamps that are not wholly cancelled.
func (r *Record) stands() int64 {
	if r.Purpose == PurposeStamp && (r.Cancelled < r.N || r.N == 0 && r.Cancelled == 0) {
		return 1
	}
	return 0
}

// due is when time ends the coupon; the zero time: it does not.
func (c *Coupon) due() time.Time {
	if c.State == Issued {
		return c.Expires
	}
	return time.Time{}
}

// A lookup names what a command needs of its card. Fields but Card may be empty, and nothing is
// loaded for them then.
type lookup struct {
	Card   CardID
	Record int64  // the record with that number; -1: the newest of PurposeStamp that is not wholly cancelled
	Coupon int64  // the coupon with that number
	Above  int64  // the coupons that are not voided and have Pos > Card.Total - Above
	Claims bool   // how much of the handout is gone
	Entry  string // with Key: the subject of the journal's record to load
	Key    string
}

// A loaded is what a lookup found. A card that does not exist has version 0.
type loaded struct {
	Card    Card
	Record  *Record        // nil: none
	Coupons []Coupon       // the one of lookup.Coupon, and those of lookup.Above, in the order of their numbers
	Taken   int64          // the highest Card.Number of the program
	Claimed int64          // the highest CardID.Claim of the member in the program
	Entry   *journal.Entry // nil: the key is new
}

func load(ctx context.Context, s storage.Store, lookups []lookup) ([]loaded, error) {
	type rows struct {
		record         Record
		coupon         Coupon
		coupons        []Coupon
		taken, claimed Card
	}
	looks, found, read := make([]storage.Look, len(lookups)), make([]loaded, len(lookups)), make([]rows, len(lookups))
	for i, l := range lookups {
		f, r := &found[i], &read[i]
		f.Card.ID, r.record, r.coupon.ID = l.Card, Record{Card: l.Card, Seq: l.Record}, CouponID{l.Card, l.Coupon}
		reads := append(make([]storage.Read, 0, 4), cards.Get(&f.Card))
		switch {
		case l.Record > 0:
			reads = append(reads, records.Get(&r.record))
		case l.Record < 0:
			newest := storage.Range{Prefix: l.Card.key(), Down: true, Where: []storage.Match{storage.Where("stands", 1)}}
			reads = append(reads, recordsByID.First(&r.record, newest))
		}
		if l.Coupon != 0 {
			reads = append(reads, coupons.Get(&r.coupon))
		}
		if l.Above != 0 {
			stand := storage.Match{Column: "state", In: []any{Issued, Redeemed, Lapsed}}
			reads = append(reads, couponsByID.All(&r.coupons, storage.Range{Prefix: l.Card.key(), Where: []storage.Match{stand}, Limit: math.MaxInt32}))
		}
		if l.Claims {
			reads = append(reads, byNumber.First(&r.taken, storage.Range{Prefix: []any{l.Card.Program}, Down: true}),
				cardsByID.First(&r.claimed, storage.Range{Prefix: []any{l.Card.Member, l.Card.Program}, Down: true}))
		}
		looks[i] = storage.Look{Reads: reads, Subject: l.Entry, Key: l.Key}
	}
	if err := s.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i := range found {
		f, r := &found[i], &read[i]
		f.Entry, f.Taken, f.Claimed = looks[i].Entry, r.taken.Number, r.claimed.ID.Claim
		if r.record.Purpose != "" {
			f.Record = &r.record
		}
		for _, c := range r.coupons {
			if c.Pos > f.Card.Total-lookups[i].Above {
				f.Coupons = append(f.Coupons, c)
			}
		}
		if c := r.coupon; c.State != "" && !slices.ContainsFunc(f.Coupons, func(o Coupon) bool { return o.ID == c.ID }) {
			f.Coupons = append(f.Coupons, c)
		}
	}
	return found, nil
}

// lowestFree returns the lowest number from 1 on that no card of the program has: most + 1 where
// those up to most are taken. It counts how many are, and halves what has one that is not.
func lowestFree(ctx context.Context, s storage.Store, id ProgramID, most int64) (int64, error) {
	full := func(to int64) (bool, error) {
		var n int64
		r := storage.Range{Prefix: []any{id}, From: int64(1), To: to + 1, Limit: int(min(to, math.MaxInt32))}
		err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{byNumber.Count(&n, r)}}})
		return n == to, err
	}
	low, high := int64(1), most+1 // numbers below low are taken
	for low < high {
		middle := low + (high-low)/2
		if high == most+1 {
			middle = most // most often all are
		}
		taken, err := full(middle)
		if err != nil {
			return 0, err
		}
		if taken {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// A change is one or two cards (both sides of a transfer) as they are to be stored, with Version
// one more than the one that was loaded, and their records and coupons. A record is new, or has
// another Cancelled than 0 and replaces the one with its number; nothing else of a record ever
// changes. A coupon is new or replaces the one with its number.
type change struct {
	Cards   []Card
	Records []Record
	Coupons []Coupon
	Entries []journal.Entry
}

func (c *change) stored() storage.Change {
	rows := make([]storage.Row, 0, len(c.Cards)+len(c.Records)+len(c.Coupons))
	for i := range c.Cards {
		rows = append(rows, cards.Save(&c.Cards[i]))
	}
	for i := range c.Records {
		if r := &c.Records[i]; r.Cancelled == 0 {
			rows = append(rows, records.Insert(r))
		} else {
			rows = append(rows, records.Put(r))
		}
	}
	for i := range c.Coupons {
		rows = append(rows, coupons.Put(&c.Coupons[i]))
	}
	return storage.Change{Rows: rows, Entries: c.Entries}
}

// cardsOf yields the cards of a member in the order of their programs, none that stands for a
// claim.
func cardsOf(ctx context.Context, s storage.Store, m ids.Member) iter.Seq2[Card, error] {
	return storage.List(ctx, s, cardsByID, storage.Range{Prefix: []any{m}, Where: []storage.Match{storage.Where("claim", 0)}})
}

// lapsedCards yields the cards that are stored with stamps that lapsed before that time, the first
// ones first.
func lapsedCards(ctx context.Context, s storage.Store, before time.Time) iter.Seq2[Card, error] {
	return storage.List(ctx, s, byExpiry, storage.Range{To: before, Where: []storage.Match{storage.Where("claim", 0)}})
}

// couponsOf yields the coupons of a member, of one program or (where it is "") of all, in the order
// of their ids.
func couponsOf(ctx context.Context, s storage.Store, m ids.Member, program ProgramID) iter.Seq2[Coupon, error] {
	r := storage.Range{Prefix: []any{m}}
	if program != "" {
		r.Prefix = append(r.Prefix, program)
	}
	return storage.List(ctx, s, couponsByID, r)
}

// lapsedCoupons yields the coupons that are stored as issued though they ended before that time,
// the first to end first.
func lapsedCoupons(ctx context.Context, s storage.Store, before time.Time) iter.Seq2[Coupon, error] {
	return storage.List(ctx, s, byDue, storage.Range{To: before})
}

// A RecordQuery asks for records of a card or of a shop in [From, To), of any purpose where
// Purposes is empty.
type RecordQuery struct {
	Card     *CardID   // nil: Shop says it
	Shop     ids.Shop  // "": Card says it
	From, To time.Time // zero: no bound
	Purposes []Purpose // none: all
	Nickname string    // part of the nickname, in any case; "": any
	Limit    int       // 0: all
}

// list yields the records of the query: of a shop by their times, the newest first, and of a card
// alone by their numbers, the highest first.
func (q RecordQuery) list(ctx context.Context, s storage.Store) iter.Seq2[Record, error] {
	r := storage.Range{Down: true, Limit: q.Limit}
	if len(q.Purposes) > 0 {
		m := storage.Match{Column: "purpose"}
		for _, p := range q.Purposes {
			m.In = append(m.In, p)
		}
		r.Where = append(r.Where, m)
	}
	if q.Nickname != "" {
		r.Where = append(r.Where, storage.Contains("nick_key", strings.ToLower(q.Nickname)))
	}
	if q.Shop == "" {
		r.Prefix = q.Card.key()
		return storage.List(ctx, s, recordsByID, r)
	}
	r.Prefix = []any{q.Shop}
	if !q.From.IsZero() {
		r.From = q.From
	}
	if !q.To.IsZero() {
		r.To = q.To
	}
	if id := q.Card; id != nil {
		r.Where = append(r.Where, storage.Where("member", id.Member), storage.Where("program", id.Program), storage.Where("claim", id.Claim))
	}
	return storage.List(ctx, s, byShop, r)
}
