package routing_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
)

func TestMain(m *testing.M) { dbtest.Main(m, routing.Tables) }
