package customer_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/customer"
)

func TestMain(m *testing.M) { dbtest.Main(m, customer.Tables) }
