package shop_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A shop invites a manager, who may act for it until the manager is unbound. A physical stamp is
// known by its serial number, however that is written.
func Example() {
	ctx := context.Background()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	shops := shop.New(memory.New(), &shop.Options{Now: func() time.Time { return noon }})
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	_, err := shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "Wangjing", Zone: "Asia/Shanghai"}, Key: "open"})
	must(err)
	invited, err := shops.Invite(ctx, shop.Invite{Shop: "wangjing", By: "boss", Key: "invite-1"})
	must(err)
	// invited.Token goes into the QR code that the new manager scans.
	bound, err := shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "kathy", Name: "Kathy", Key: "scan-1"})
	must(err)
	fmt.Println(bound.Manager.Name, "manages", bound.Manager.Shop, "in slot", bound.Manager.Slot)

	may, err := shops.Authorize(ctx, "wangjing", "kathy")
	fmt.Println(may.Name, err)
	_, err = shops.Authorize(ctx, "wangjing", "mallory")
	fmt.Println(err)
	_, err = shops.Unbind(ctx, shop.Unbind{Shop: "wangjing", Identity: "kathy", By: "boss", Key: "unbind-1"})
	must(err)
	_, err = shops.Authorize(ctx, "wangjing", "kathy")
	fmt.Println(err)

	_, err = shops.BindStamp(ctx, shop.BindStamp{Shop: "wangjing", Serial: "A1659391", Unsigned: true, Key: "stamp-1"})
	must(err)
	pressed, err := shops.Pressed(ctx, shop.Press{Serial: "ａ1659391", Member: "alice", Key: "press-1"})
	fmt.Println(pressed.Shop.Name, err)
	// Output:
	// Kathy manages wangjing in slot 1
	// Wangjing <nil>
	// shop: authorize in wangjing: shop: the identity does not manage this shop
	// shop: authorize in wangjing: shop: the identity does not manage this shop
	// Wangjing <nil>
}
