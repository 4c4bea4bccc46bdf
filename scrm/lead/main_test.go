package lead_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

func TestMain(m *testing.M) { dbtest.Main(m, lead.Tables) }
