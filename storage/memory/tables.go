package memory

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// tables are the rows of one tenant. They are changed through put, drop and record alone, which can
// be undone.
type tables struct {
	data *data

	feed []journal.Entry      // in the order of commits; a cursor is a number of entries
	keys map[entryKey]int     // where in the feed
	rows map[string]*rowTable // by the names of tables

	scopes map[otp.Scope]otp.ScopeRow
	meters map[meterKey]otp.Meter
	codes  map[otp.Scope]map[string]otp.Code // by MAC

	programs map[programKey]json.RawMessage
	newest   map[programKey]int // by the key of version 0

	accounts map[loyalty.AccountID]loyalty.Account
	bookings map[loyalty.AccountID]map[string]loyalty.Booking

	holders  map[reward.HolderID]reward.Holder
	vouchers map[reward.HolderID]map[int64]reward.Stored
	counts   map[reward.CatalogID]map[countKey]int64

	activationCodes   map[activation.CodeID]activation.Code
	ports             map[activation.PortID]activation.Port
	claims            map[claimKey]activation.Claim
	pools             map[activation.PoolID]activation.Pool
	free              map[activation.PoolID]int
	devices           map[activation.DeviceID]activation.Device
	deviceInvitations map[string]activation.Invitation // by hash

	jobs       map[lead.JobID]lead.Job
	owners     map[lead.OwnerID]lead.Owner
	contacts   map[lead.Identity]lead.Contact // without leads
	leads      map[lead.Identity]map[int64]lead.Lead
	leadCounts map[leadCountKey]lead.Figures
	library    map[lead.Identity]lead.ImportFound

	cards   map[stamps.CardID]stamps.Card
	numbers map[stamps.ProgramID]map[int64]stamps.CardID // by Card.Number
	claimed map[stamps.CardID]int64                      // highest claim, by the id of claim 0
	records map[stamps.CardID]map[int64]stamps.Record
	coupons map[stamps.CardID]map[int64]stamps.Coupon
}

type (
	entryKey   struct{ subject, key string }
	programKey struct {
		kind, id string
		version  int
	}
	countKey struct {
		reward reward.RewardID
		period string
	}
	claimKey struct {
		platform activation.PlatformID
		account  activation.AccountID
	}
	leadCountKey struct {
		job     lead.JobID
		account lead.AccountID
		day     time.Time
	}
	meterKey struct {
		scope otp.Scope
		party otp.Party
	}
)

func newTables(d *data) *tables {
	return &tables{
		data:              d,
		keys:              map[entryKey]int{},
		rows:              map[string]*rowTable{},
		scopes:            map[otp.Scope]otp.ScopeRow{},
		meters:            map[meterKey]otp.Meter{},
		codes:             map[otp.Scope]map[string]otp.Code{},
		programs:          map[programKey]json.RawMessage{},
		newest:            map[programKey]int{},
		accounts:          map[loyalty.AccountID]loyalty.Account{},
		bookings:          map[loyalty.AccountID]map[string]loyalty.Booking{},
		holders:           map[reward.HolderID]reward.Holder{},
		vouchers:          map[reward.HolderID]map[int64]reward.Stored{},
		counts:            map[reward.CatalogID]map[countKey]int64{},
		activationCodes:   map[activation.CodeID]activation.Code{},
		ports:             map[activation.PortID]activation.Port{},
		claims:            map[claimKey]activation.Claim{},
		pools:             map[activation.PoolID]activation.Pool{},
		free:              map[activation.PoolID]int{},
		devices:           map[activation.DeviceID]activation.Device{},
		deviceInvitations: map[string]activation.Invitation{},
		jobs:              map[lead.JobID]lead.Job{},
		owners:            map[lead.OwnerID]lead.Owner{},
		contacts:          map[lead.Identity]lead.Contact{},
		leads:             map[lead.Identity]map[int64]lead.Lead{},
		leadCounts:        map[leadCountKey]lead.Figures{},
		library:           map[lead.Identity]lead.ImportFound{},
		cards:             map[stamps.CardID]stamps.Card{},
		numbers:           map[stamps.ProgramID]map[int64]stamps.CardID{},
		claimed:           map[stamps.CardID]int64{},
		records:           map[stamps.CardID]map[int64]stamps.Record{},
		coupons:           map[stamps.CardID]map[int64]stamps.Coupon{},
	}
}

// undoable keeps undo for the open transaction, if there is one.
func (t *tables) undoable(undo func()) {
	if tx := t.data.open; tx != nil {
		tx.undo = append(tx.undo, undo)
	}
}

func put[K comparable, V any](t *tables, m map[K]V, k K, v V) {
	old, had := m[k]
	m[k] = v
	t.undoable(func() {
		if had {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
}

func drop[K comparable, V any](t *tables, m map[K]V, k K) {
	if old, had := m[k]; had {
		delete(m, k)
		t.undoable(func() { m[k] = old })
	}
}

// within returns the inner map of k, and makes it where there is none.
func within[K, L comparable, V any](m map[K]map[L]V, k K) map[L]V {
	if m[k] == nil {
		m[k] = map[L]V{}
	}
	return m[k]
}

// saveEach saves one change after the other, each by itself: save changes nothing where it returns
// an error.
func saveEach[C any](ctx context.Context, u unit, changes []C, save func(*tables, C) error) ([]error, error) {
	errs := make([]error, len(changes))
	err := u.do(ctx, func(t *tables) error {
		for i, c := range changes {
			errs[i] = save(t, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}

// yieldAll yields what find returns, which must be copies.
func yieldAll[V any](ctx context.Context, u unit, find func(*tables) ([]V, error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var found []V
		err := u.do(ctx, func(t *tables) (err error) {
			found, err = find(t)
			return err
		})
		if err != nil {
			var zero V
			yield(zero, err)
			return
		}
		for _, v := range found {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func first[V any](all []V, limit int) []V {
	if limit > 0 && limit < len(all) {
		return all[:limit]
	}
	return all
}
