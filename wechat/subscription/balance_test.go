package subscription

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

func after(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func TestBalance(t *testing.T) {
	at := func(k factKind, minutes int) fact { return fact{Kind: k, At: after(minutes)} }
	for name, c := range map[string]struct {
		facts []fact
		want  int64
	}{
		"nothing":                                   {nil, 0},
		"accepts add up":                            {[]fact{at(accepted, 0), at(accepted, 0), at(accepted, 1)}, 3},
		"a report is an accept":                     {[]fact{at(reported, 0)}, 1},
		"a report before its event":                 {[]fact{at(reported, 0), at(accepted, 5)}, 1},
		"a report after its event":                  {[]fact{at(accepted, 0), at(reported, 5)}, 1},
		"a report of another time":                  {[]fact{at(accepted, 0), at(reported, 6)}, 2},
		"a report that is repeated":                 {[]fact{at(reported, 0), at(reported, 5)}, 1},
		"two reports":                               {[]fact{at(reported, 0), at(reported, 6)}, 2},
		"an accept between two reports is of both":  {[]fact{at(reported, 0), at(accepted, 4), at(reported, 8)}, 1},
		"a message takes one":                       {[]fact{at(accepted, 0), at(accepted, 1), at(spent, 2)}, 1},
		"never below zero":                          {[]fact{at(spent, 0)}, 0},
		"an accept that is known after its message": {[]fact{at(spent, 2), at(accepted, 1)}, 0},
		"the settings end all":                      {[]fact{at(accepted, 0), at(accepted, 1), at(ended, 2)}, 0},
		"later ones count again":                    {[]fact{at(accepted, 0), at(ended, 2), at(accepted, 3)}, 1},
		"one from before the end comes late":        {[]fact{at(ended, 2), at(accepted, 1)}, 0},
		"an end that comes late":                    {[]fact{at(accepted, 0), at(accepted, 3), at(ended, 2)}, 1},
		"a message after the end":                   {[]fact{at(accepted, 0), at(ended, 2), at(accepted, 3), at(spent, 4)}, 0},
		"a message before the end":                  {[]fact{at(accepted, 0), at(accepted, 1), at(spent, 2), at(accepted, 5), at(ended, 3)}, 1},
		"an end before the last one comes late":     {[]fact{at(ended, 2), at(accepted, 3), at(ended, 1)}, 1},
		"an end in the second of an accept":         {[]fact{at(ended, 1), at(accepted, 1)}, 0},
	} {
		var b balance
		for _, f := range c.facts {
			b.add(f)
		}
		if got := b.left(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		b.compact(after(24 * 60))
		if got := b.left(); got != c.want || len(b.Facts) > 0 {
			t.Errorf("%s, compacted: %d of %d facts, want %d", name, got, len(b.Facts), c.want)
		}
	}
}

// What comes after Late, and so behind what can't be told apart any more, makes no accepts.
func TestWhatIsTooLate(t *testing.T) {
	var b balance
	for _, f := range []fact{{Kind: accepted, At: after(0)}, {Kind: ended, At: after(1)}, {Kind: accepted, At: after(2)}} {
		b.add(f)
	}
	b.compact(after(24 * 60))
	b.add(fact{Kind: accepted, At: after(0)})
	b.add(fact{Kind: ended, At: after(0)})
	b.add(fact{Kind: reported, At: after(24 * 60)})
	if b.left() != 2 {
		t.Error(b.left())
	}
	b.add(fact{spent, after(24*60 + 1), "k"})
	b.compact(after(48 * 60))
	b.takeBack("k", after(24*60+1))
	if b.left() != 2 || len(b.Facts) != 0 {
		t.Error(b.left(), b.Facts)
	}
}

// The balance is that of the facts, whatever order they come in, and however old some are: events
// come up to Late late and in any order, reports as they are made.
func TestBalanceIsThatOfTheFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type arrival struct {
			fact
			at time.Time
		}
		var arrivals []arrival
		for range rapid.IntRange(1, 30).Draw(t, "facts") {
			f := fact{
				Kind: rapid.SampledFrom([]factKind{accepted, accepted, reported, reported, ended}).Draw(t, "kind"),
				At:   after(rapid.IntRange(0, 200).Draw(t, "at")),
			}
			late := 0
			if f.Kind != reported {
				late = rapid.IntRange(0, 60).Draw(t, "late")
			}
			arrivals = append(arrivals, arrival{f, f.At.Add(time.Duration(late) * time.Minute)})
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
		var b balance
		for _, a := range arrivals {
			b.compact(a.at)
			b.add(a.fact)
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return compare(a.fact, b.fact) })
		if want := model(arrivals, func(a arrival) fact { return a.fact }); b.left() != want {
			t.Fatalf("%d, want %d", b.left(), want)
		}
	})
}

// model is the law in other words: reports in a row within Window are one, and those near an event
// are that event; what is left and comes after the last end counts.
func model[T any](sorted []T, of func(T) fact) (n int64) {
	var events []time.Time
	var end, report time.Time
	for _, x := range sorted {
		switch f := of(x); f.Kind {
		case accepted:
			events = append(events, f.At)
		case ended:
			end = f.At
		}
	}
	for _, x := range sorted {
		f := of(x)
		counts := f.Kind == accepted
		if f.Kind == reported && f.At.Sub(report) > Window {
			report = f.At
			counts = !slices.ContainsFunc(events, func(e time.Time) bool { return e.Sub(f.At).Abs() <= Window })
		}
		if counts && f.At.After(end) {
			n++
		}
	}
	return n
}

// An event stands for the reports of it in whatever order all of them come, and however often a
// message is sent and given back meanwhile nothing is made or lost.
func TestNothingIsCountedTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		taps, days := rng.IntN(5), rng.IntN(3)
		var facts []fact
		for i := range taps {
			at := noon.Add(time.Duration(days*24*i)*time.Hour + time.Duration(i)*time.Hour)
			facts = append(facts, fact{Kind: accepted, At: at}, fact{Kind: reported, At: at.Add(time.Duration(rng.IntN(300)) * time.Second)})
		}
		reports := slices.DeleteFunc(slices.Clone(facts), func(f fact) bool { return f.Kind != reported })
		rng.Shuffle(len(facts), func(i, k int) { facts[i], facts[k] = facts[k], facts[i] })
		var b balance
		for _, f := range facts {
			if f.Kind == reported { // in their order, among whatever events
				f, reports = reports[0], reports[1:]
			}
			b.add(f)
			if b.left() > int64(taps) {
				t.Fatalf("%d of %d taps", b.left(), taps)
			}
			b.add(fact{spent, f.At, "k"})
			b.takeBack("k", f.At)
		}
		if b.left() != int64(taps) {
			t.Fatalf("%d of %d taps: %v", b.left(), taps, facts)
		}
	}
}
