package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestDerivedKeys(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("長", 40)
	for _, parts := range [][]any{nil, {""}, {"", ""}, {"a", "b"}, {"ab"}, {"a,b"}, {`a","b`}, {"a", 1}, {"a", "1"}, {[]byte("a")}, {long, long}} {
		for _, name := range []string{"code", "reward-hold"} {
			key, what := journal.DerivedKey(name, parts...), fmt.Sprintf("%s of %q", name, parts)
			if err := valid.ID("key", key); err != nil || !strings.HasPrefix(key, journal.Derived+name) {
				t.Errorf("%s: %q: %v", what, key, err)
			}
			if other := seen[key]; other != "" {
				t.Errorf("%s and %s are both %s", what, other, key)
			}
			if seen[key] = what; key != journal.DerivedKey(name, parts...) {
				t.Errorf("%s is another one the second time", what)
			}
		}
	}
}
