package desk_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestEdit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		job := func(s scene, c activation.Issued, p ids.Platform) lead.Job {
			return must(s.Leads.Job(ctx, lead.JobID{Code: c.ID, Platform: p}))
		}
		put := func(s scene, j lead.Job, name string, day int64, key string) {
			must(s.Leads.Put(ctx, lead.Put{Job: j.ID, Owner: j.Owner, Name: name, Targets: lead.Targets{Day: day}, Terms: j.Terms[0], Key: key}))
		}
		edit := func(s scene, c activation.Issued, key string, change func(*activation.Settings)) activation.Edit {
			e := activation.Edit{Code: c.ID, Settings: must(s.Codes.Code(ctx, c.ID)).Settings, Key: key}
			change(&e.Settings)
			return e
		}
		t.Run("keeps the names and targets of jobs, and gives them other terms", func(t *testing.T) {
			s := open(db.Tenant("keep"))
			c := s.make("a", "whatsapp", "line")
			put(s, job(s, c, "whatsapp"), "Spring campaign", 50, "p")
			must(s.Edit(ctx, edit(s, c, "e", func(k *activation.Settings) { k.Remark, k.Counting.Library = "x", true })))
			if j := job(s, c, "whatsapp"); j.Name != "Spring campaign" || j.Targets.Day != 50 || !j.Terms[len(j.Terms)-1].Scope.Library {
				t.Fatal(j)
			}
			if j := job(s, c, "line"); j.Name != "line" || j.Targets != (lead.Targets{}) {
				t.Fatal(j)
			}
		})
		t.Run("opens jobs of the code's owner, also the first one", func(t *testing.T) {
			s := open(db.Tenant("first"))
			c := s.make("a")
			must(s.Edit(ctx, edit(s, c, "e", func(k *activation.Settings) { k.Platforms, k.Counting.Owner = []ids.Platform{"whatsapp"}, "" })))
			if j, code := job(s, c, "whatsapp"), must(s.Codes.Code(ctx, c.ID)); j.Owner != "boss" || code.Settings.Counting.Owner != "boss" {
				t.Fatal(j, code)
			}
			must(s.Edit(ctx, edit(s, c, "e2", func(k *activation.Settings) {
				k.Platforms, k.Counting.Owner = append(k.Platforms, "line"), "partner"
			})))
			if a, b := job(s, c, "whatsapp"), job(s, c, "line"); a.Owner != "boss" || b.Owner != "partner" {
				t.Fatal(a, b)
			}
		})
		t.Run("leaves a job with another owner that owner", func(t *testing.T) {
			s := open(db.Tenant("owner"))
			c := s.make("a", "whatsapp")
			line := job(s, c, "whatsapp")
			line.ID.Platform, line.Owner = "line", "other"
			put(s, line, "theirs", 0, "p")
			must(s.Edit(ctx, edit(s, c, "e", func(k *activation.Settings) { k.Platforms = append(k.Platforms, "line") })))
			if j := job(s, c, "line"); j.Owner != "other" || j.Name != "theirs" {
				t.Fatal(j)
			}
		})
		t.Run("needs an owner for a job, and names the field", func(t *testing.T) {
			s := open(db.Tenant("none"))
			settings := activation.Settings{Platforms: []ids.Platform{"line"}, Ports: 1, Counting: activation.Counting{Zone: "UTC"}}
			_, err := s.Create(ctx, desk.Create{Codes: activation.Create{N: 1, Settings: settings, Key: "k"}})
			var bad *errs.InputError
			if !errors.As(err, &bad) || bad.Field != "settings.counting.owner" {
				t.Fatal(err)
			}
			for range s.Codes.Codes(ctx, activation.CodeQuery{}) {
				t.Fatal("a code without its job")
			}
		})
		t.Run("may have the key of the creation", func(t *testing.T) {
			s := open(db.Tenant("keys"))
			c := s.make("k", "whatsapp")
			must(s.Edit(ctx, edit(s, c, "k", func(k *activation.Settings) { k.Counting.Library = true })))
			if j := job(s, c, "whatsapp"); !j.Terms[len(j.Terms)-1].Scope.Library {
				t.Fatal(j)
			}
		})
		t.Run("repeated changes nothing, whatever came in between", func(t *testing.T) {
			s := open(db.Tenant("again"))
			c := s.make("a", "whatsapp")
			e := edit(s, c, "e", func(k *activation.Settings) { k.Remark = "first" })
			first := must(s.Edit(ctx, e))
			must(s.Edit(ctx, e))
			put(s, job(s, c, "whatsapp"), "another name", 7, "p")
			must(s.Edit(ctx, edit(s, c, "e2", func(k *activation.Settings) { k.Platforms = append(k.Platforms, "line") })))
			version := job(s, c, "whatsapp").Version
			must(s.Codes.Delete(ctx, activation.CodeBatch{Codes: []ids.Code{c.ID}, Key: "del"}))
			again := must(s.Edit(ctx, e))
			if again.Version != first.Version || again.Settings.Remark != "first" || job(s, c, "whatsapp").Version != version {
				t.Fatal(again)
			}
			e.Settings.Remark = "second"
			_, err := s.Edit(ctx, e)
			isError(t, err, journal.ErrKeyReused)
		})
		t.Run("repeated as a creation touches no job", func(t *testing.T) {
			s := open(db.Tenant("create"))
			c := s.make("a", "whatsapp")
			put(s, job(s, c, "whatsapp"), "another name", 7, "p")
			if again := s.make("a", "whatsapp"); again != (activation.Issued{ID: c.ID}) || job(s, c, "whatsapp").Name != "another name" {
				t.Fatal(again)
			}
		})
		t.Run("takes keys of any length, and refuses what is none", func(t *testing.T) {
			s := open(db.Tenant("input"))
			long := fmt.Sprintf("%0128d", 7)
			c := s.make(long, "whatsapp")
			must(s.Edit(ctx, edit(s, c, long, func(k *activation.Settings) { k.Remark = "x" })))
			for _, e := range []activation.Edit{{Code: "a\x00b", Key: "k"}, {Code: c.ID}, {Code: c.ID, Key: long + "7"}} {
				var bad *errs.InputError
				if _, err := s.Edit(ctx, e); !errors.As(err, &bad) {
					t.Errorf("%+v: %v", e, err)
				}
			}
		})
	})
}
