package retention_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/storage/retention"
)

func TestMain(m *testing.M) { dbtest.Main(m, loyalty.Tables, relay.Tables, retention.Tables) }
