package rules

import (
	"os"
	"testing"

	"github.com/scrmkit/scrmkit/loyalty/loyaltytest"
)

func TestClub(t *testing.T) { loyaltytest.Run(t, os.DirFS("testdata"), "*.json", Club()) }
