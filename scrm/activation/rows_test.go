package activation

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of codes", func(t *testing.T) { storagetest.Mapping(t, codes, func(c *Code) { c.Secret = nil }) })
	t.Run("of secrets", func(t *testing.T) { storagetest.Mapping(t, secrets, nil) })
	t.Run("of ports", func(t *testing.T) { storagetest.Mapping(t, ports, nil) })
	t.Run("of claims", func(t *testing.T) { storagetest.Mapping(t, claims, nil) })
	t.Run("of pools", func(t *testing.T) { storagetest.Mapping(t, pools, nil) })
	t.Run("of devices", func(t *testing.T) { storagetest.Mapping(t, devices, nil) })
	t.Run("of invitations", func(t *testing.T) { storagetest.Mapping(t, invitations, nil) })
}
