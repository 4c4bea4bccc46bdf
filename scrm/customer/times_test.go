package customer_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A time that has no text is refused in every field of every command, before anything is hashed.
func TestTimesThatNoCommandMayHave(t *testing.T) {
	db := memory.New()
	b := open(t, db)
	alice := b.signIn(openID).Member
	said := customer.RecordConsent{Member: alice, Consent: customer.Consent{
		Purpose: "marketing", Kind: customer.Plain, Version: "3", Way: "paper", Time: start,
	}}
	timetest.Refuses(t, said, func(c customer.RecordConsent) error {
		c.Key = b.key()
		_, err := b.RecordConsent(t.Context(), c)
		return err
	}, timetest.Records(t, db.Journal()))
	timetest.Refuses(t, customer.ScheduleErasure{Member: alice, Due: start}, func(c customer.ScheduleErasure) error {
		c.Key = b.key()
		_, err := b.ScheduleErasure(t.Context(), c)
		return err
	}, timetest.Records(t, db.Journal()), "Due")
}
