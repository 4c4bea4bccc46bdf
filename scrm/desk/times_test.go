package desk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/timetest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestTimesThatNoReportOrCodeMayHave(t *testing.T) {
	db := memory.New()
	s := open(db)
	access := s.sign(s.make("a", "whatsapp"), "whatsapp", "x")
	n := 0
	key := func() string { n++; return fmt.Sprint("times-", n) }
	stored := timetest.Records(t, db.Journal())
	timetest.Refuses(t, report(access, "1", "x", "ann"), func(r desk.Report) error { _, err := s.Report(ctx, r); return err }, stored)
	settings := activation.Settings{
		Platforms: []ids.Platform{"line"}, Ports: 1, Expires: noon.Add(time.Hour), Counting: activation.Counting{Owner: "boss", Zone: "UTC"},
	}
	timetest.Refuses(t, desk.Create{Codes: activation.Create{N: 1, Key: "new", Settings: settings}}, func(c desk.Create) error {
		c.Codes.Key = key()
		_, err := s.Create(ctx, c)
		return err
	}, stored, "Expires")
	timetest.Refuses(t, activation.Edit{Code: access.Code.ID, Settings: settings, Key: "edit"}, func(c activation.Edit) error {
		c.Key = key()
		_, err := s.Edit(ctx, c)
		return err
	}, stored, "Expires")
}
