package authenticator_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/race"
)

func TestMain(m *testing.M) {
	race.Few()
	m.Run()
}
