package otp_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
)

func TestMain(m *testing.M) { dbtest.Main(m, otp.Tables) }
