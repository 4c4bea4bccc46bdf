package till

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// A code that one release has issued, and a claim that it has sealed, mean the same to another.
func TestGoldenCodes(t *testing.T) {
	const broken = "Codes and claims that are on their way do something else."
	f := golden.Open(t, "codes")
	f.Check(golden.JSON("payload", payload{}, nil, broken))
	f.Check(golden.JSON("cart", reward.Cart{}, nil, broken))
	f.Line("purpose", string(Purpose), broken)
}
