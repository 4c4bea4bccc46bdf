package shop_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A time that has no text is refused in every field of every command, before anything is hashed.
func TestTimesThatNoCommandMayHave(t *testing.T) {
	db := memory.New()
	shops, now := open(t, db)
	s := wangjing()
	s.From, s.To = *now, now.Add(time.Hour)
	timetest.Refuses(t, shop.Put{Shop: s}, func(c shop.Put) error {
		c.Key = rand.Text()
		_, err := shops.Put(ctx, c)
		return err
	}, timetest.Records(t, db.Journal()), "From", "To")
}
