package bunstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
)

func TestTmpEmpty(t *testing.T) {
	for _, size := range []int{1, 8, 32} {
		db := openPostgres(t)
		store := newStore(t, db)
		from := time.Now()
		for n := 0; n < 20000; n += size {
			var batch []stamps.Change
			for i := range size {
				batch = append(batch, stamped(fmt.Sprintf("m%d", (n+i)*7919%20011), 1))
			}
			save(t, store, batch)
			if n/2000 != (n+size)/2000 {
				t.Logf("size %d: %d: %.1f us/change", size, n, float64(time.Since(from).Microseconds())/2000)
				from = time.Now()
			}
		}
		for n := 0; n < 20000; n += size {
			var batch []stamps.Change
			for i := range size {
				batch = append(batch, stamped(fmt.Sprintf("m%d", (n+i)*7919%20011), 2))
			}
			save(t, store, batch)
			if n/4000 != (n+size)/4000 {
				t.Logf("update size %d: %d: %.1f us/change", size, n, float64(time.Since(from).Microseconds())/4000)
				from = time.Now()
			}
		}
	}
}
