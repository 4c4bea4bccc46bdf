package activation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage"
)

// At any instant after any history the view has the codes that the engine gives then, and those
// that were deleted.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories := 0
		rapid.Check(t, func(rt *rapid.T) {
			histories++
			db := r.Tenant(fmt.Sprint(histories))
			codes, now := open(t, db)
			must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 3, Key: "p"}))
			own, shared := both, both
			own.Department, own.Expires = "sales", now.time().Add(30*time.Hour)
			shared.Pool, shared.Ports = "plan", 0
			made := []activation.Issued{issue(codes, own, "a"), issue(codes, shared, "b")}
			for i := range rapid.IntRange(1, 8).Draw(rt, "commands") {
				now.pass(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 3 * time.Hour, 12 * time.Hour}).Draw(rt, "passes"))
				c, key := rapid.SampledFrom(made).Draw(rt, "code"), fmt.Sprint(i)
				switch rapid.IntRange(0, 6).Draw(rt, "command") {
				default:
					device := activation.DeviceID(rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "device"))
					if s, err := codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: device}); err == nil {
						_, _ = link(codes, s, key, key)
					}
				case 4:
					_, _ = codes.Disable(ctx, one(c.ID, key))
				case 5:
					_, _ = codes.Enable(ctx, one(c.ID, key))
				case 6:
					_, _ = codes.Delete(ctx, one(c.ID, key))
				}
			}
			ends := []time.Time{own.Expires}
			for _, c := range made {
				k, _ := codes.Code(ctx, c.ID)
				for _, s := range k.Sessions {
					ends = append(ends, s.Seen.Add(activation.Away), s.Seen.Add(activation.Idle))
				}
			}
			for range 3 {
				at := rapid.SampledFrom(ends).Draw(rt, "end").Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "beside")) * time.Microsecond)
				now.now.Store(at.UnixMicro())
				var want []dbtest.Row
				gone := map[string]bool{}
				for _, c := range made {
					k, err := codes.Code(ctx, c.ID)
					if err != nil && must(codes.State(ctx, c.ID)) == activation.Deleted {
						gone[string(c.ID)] = true
						continue
					}
					want = append(want, dbtest.Row{
						"code": k.ID, "state": k.State(at), "department": k.Settings.Department, "pool": k.Settings.Pool, "ports": k.Settings.Ports,
						"used_ports": k.Ports(), "online": k.Online(at), "created_at": k.Created, "expires_at": k.Settings.Expires,
						"deleted_at": k.Deleted, "updated_at": k.Updated,
					})
				}
				got := slices.DeleteFunc(r.Rows(rt, "report_code", db, at), func(row dbtest.Row) bool {
					return gone[row["code"].(string)] && row["state"] == "deleted" && row["deleted_at"] != nil && row["online"] == nil
				})
				dbtest.Same(rt, fmt.Sprint("codes at ", at), want, got)
			}
		})
	})
}

// The view says what is so now.
func TestReportsAreOfNow(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		e := must(activation.New(r, keys, nil))
		ends := both
		ends.Expires = time.Now().Add(time.Hour)
		c := issue(e, ends, "a")
		signIn(e, c, "x")
		state := func(db storage.Tx) any {
			row := r.Rows(t, "report_code", db, time.Time{})[0]
			return fmt.Sprint(row["state"], " ", row["online"])
		}
		if got := state(r); got != "enabled 1" {
			t.Error(got)
		}
		ends.Expires = time.Now().Add(-time.Hour)
		must(e.Edit(ctx, activation.Edit{Code: c.ID, Settings: ends, Key: "e"}))
		if got := state(r); got != "expired <nil>" {
			t.Error(got)
		}
	})
}
