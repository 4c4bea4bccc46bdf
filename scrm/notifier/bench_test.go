package notifier_test

import (
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// BenchmarkHandle reads 1000 entries of points and posts their notices, in memory.
func BenchmarkHandle(b *testing.B) {
	x := open(b, memory.New())
	a := x.customer(alice, 0)
	for range 1000 {
		x.buy(a, 1)
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		x.notices = notice.New(memory.New().Tenant(fmt.Sprint(n)), &notice.Options{Now: x.now})
		f := x.flow()
		n++
		b.StartTimer()
		if err := x.follow(f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(1000*n), "ns/entry")
}
