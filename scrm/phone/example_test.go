package phone_test

import (
	"fmt"

	"github.com/scrmkit/scrmkit/scrm/phone"
)

func ExampleParse() {
	for _, text := range []string{"１３８ ００１３ ８０００", "0044 (0) 20 7031 3000", "0619392120615"} {
		n, err := phone.Parse(text, "CN")
		fmt.Println(n.E164, n.Region, n.Valid, err)
	}
	// Output:
	// +8613800138000 CN true <nil>
	// +442070313000 GB true <nil>
	//   false phone: the number can't be read: it has no country code, and no number of the region is like it
}

func ExampleWhatsApp() {
	for _, id := range []string{"553188888888", "5531988888888"} {
		e164, _ := phone.WhatsApp(id)
		fmt.Println(e164)
	}
	// Output:
	// +5531988888888
	// +5531988888888
}
