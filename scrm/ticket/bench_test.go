package ticket

import (
	"fmt"
	"strings"
	"testing"
	"time"

	most "github.com/scrmkit/scrmkit/internal/condition"
)

// BenchmarkDecideWorst is the longest decision that was found: of 500 rules that are not met, with
// as many patterns as compile, on the longest texts of the longest body.
func BenchmarkDecideWorst(b *testing.B) {
	d := Templates{ID: "worst", Version: 1}
	paths := map[string]string{"name": "name", "remark": "remark"}
	for i := range maxRules {
		condition := strings.Repeat("lower(", 185) + "remark" + strings.Repeat(")", 185) + ` == "x"`
		if i < maxPatterns/most.MaxPattern {
			condition = `name matches "(?:\\pL?){495}x" or ` + condition
		}
		d.Rules = append(d.Rules, Rule{ID: RuleID(fmt.Sprint("r", i)), If: condition, Map: paths})
	}
	p, err := Compile(d)
	if err != nil {
		b.Fatal(err)
	}
	body := `{"name":"` + strings.Repeat("a", 1024) + `","remark":"` + strings.Repeat("É", 512) + `","lines":[`
	body += strings.Repeat("{},", (MaxBody-len(body))/3-1) + "{}]}"
	for b.Loop() {
		if k := p.Decide(testSite, Ticket{}, []byte(body), time.Time{}); k.Reason != NoTemplate {
			b.Fatal(k.Reason)
		}
	}
}
