package activation_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// An agent signs in with a code, and links an account; the code is disabled, and nothing of it
// works any more.
func Example() {
	ctx := context.Background()
	codes, err := activation.New(memory.New(), []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}, nil)
	if err != nil {
		panic(err)
	}
	made, err := codes.Create(ctx, activation.Create{N: 1, Key: "first", Settings: activation.Settings{
		Platforms: []ids.Platform{"whatsapp"}, Ports: 3, Department: "sales",
	}})
	if err != nil {
		panic(err)
	}
	access, err := codes.SignIn(ctx, activation.SignIn{Code: made[0].Code, Device: "laptop", Agent: "kathy"})
	fmt.Println(err)
	port, err := codes.Open(ctx, activation.Open{Session: access.ID(), Platform: "whatsapp", Key: "open-1"})
	fmt.Println(port.State, err)
	port, err = codes.Link(ctx, activation.Link{Session: access.ID(), Port: port.ID.N, Account: "sales-1", Key: "link-1"})
	fmt.Println(port.State, err)

	_, err = codes.Disable(ctx, activation.CodeBatch{Codes: []ids.Code{made[0].ID}, Key: "stop"})
	fmt.Println(err)
	_, err = codes.Check(ctx, access.Token)
	fmt.Println(errors.Is(err, activation.ErrSignedOut))
	// Output:
	// <nil>
	// unlinked <nil>
	// linked <nil>
	// <nil>
	// true
}
