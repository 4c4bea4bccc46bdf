package delivery_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
)

func TestMain(m *testing.M) { dbtest.Main(m, delivery.Tables) }
