package customer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/text/language"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// Preferences are how a customer wants to be addressed.
type Preferences struct {
	Language string          `json:"language,omitempty"` // as BCP 47 has it, like "zh-Hans"; "": not told
	Channels []string        `json:"channels,omitempty"` // on which to get messages, the best first, by names of the service's; none: any
	Quiet    Quiet           `json:"quiet,omitzero"`     // when not to be disturbed
	Privacy  map[string]bool `json:"privacy,omitempty"`  // choices by names of the service's: "personalization"
}

// Quiet is a part of each day (免打扰). The zero Quiet is none.
type Quiet struct {
	From Minutes `json:"from"` // when it begins
	To   Minutes `json:"to"`   // when it ends, on the next day where that is not after From; From itself: never quiet
	Zone string  `json:"zone"` // IANA time zone of the customer
}

// Minutes is a time of the day as clocks show it: minutes after 0:00, 0 to 1439.
type Minutes int

const day = 24 * 60

// check refuses what preferences can't have.
func (p Preferences) check() error {
	if p.Language != "" {
		if t, err := language.Parse(p.Language); err != nil || t.String() != p.Language {
			return &errs.InputError{Field: "preferences.language", Reason: "is no canonical tag of BCP 47, like zh-Hans"}
		}
	}
	if len(p.Channels) > 20 || len(p.Privacy) > 100 {
		return &errs.InputError{Field: "preferences", Reason: "has more than 20 channels or 100 privacy choices"}
	}
	for i, c := range p.Channels {
		if err := valid.ID(fmt.Sprintf("preferences.channels[%d]", i), c); err != nil {
			return err
		}
		if slices.Contains(p.Channels[:i], c) {
			return &errs.InputError{Field: fmt.Sprintf("preferences.channels[%d]", i), Reason: "is there twice"}
		}
	}
	for name := range p.Privacy {
		if err := valid.ID("preferences.privacy", name); err != nil {
			return err
		}
	}
	return p.Quiet.check()
}

func (q Quiet) check() error {
	if q == (Quiet{}) {
		return nil
	}
	err := cmp.Or(valid.Between("preferences.quiet.from", int64(q.From), 0, day-1), valid.Between("preferences.quiet.to", int64(q.To), 0, day-1))
	if _, zoneErr := time.LoadLocation(q.Zone); err == nil && (zoneErr != nil || q.Zone == "" || q.Zone == "Local") {
		err = &errs.InputError{Field: "preferences.quiet.zone", Reason: "is no IANA time zone of this machine"}
	}
	return err
}

// Until returns when a time ends that is quiet at now: now itself where it is not. An error: the
// machine does not know the zone.
func (q Quiet) Until(now time.Time) (time.Time, error) {
	if q.From == q.To {
		return now, nil
	}
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return now, fmt.Errorf("customer: quiet hours: %w", err)
	}
	begin := calendar.Begins(now, int(q.From), zone)
	year, month, date := begin.In(zone).Date()
	if q.To <= q.From {
		date++
	}
	if end := calendar.Clock(year, month, date, int(q.To), zone); now.Before(end) {
		return end, nil
	}
	return now, nil
}

// Takes reports whether the customer wants messages on a channel.
func (p Preferences) Takes(channel string) bool {
	return len(p.Channels) == 0 || slices.Contains(p.Channels, channel)
}
