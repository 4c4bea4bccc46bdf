package desk_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

func TestMain(m *testing.M) {
	dbtest.Main(m, activation.Tables, lead.Tables, routing.Tables, ticket.Tables)
}
