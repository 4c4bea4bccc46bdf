package ticket_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

func TestMain(m *testing.M) { dbtest.Main(m, ticket.Tables) }
