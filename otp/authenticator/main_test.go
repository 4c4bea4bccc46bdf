package authenticator_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/authenticator"
)

func TestMain(m *testing.M) { dbtest.Main(m, authenticator.Tables) }
