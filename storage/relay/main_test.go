package relay_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage/relay"
)

func TestMain(m *testing.M) { dbtest.Main(m, relay.Tables) }
