package main

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m, schemas...) }
