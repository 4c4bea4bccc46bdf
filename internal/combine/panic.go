package combine

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrEnded is the value of the Panic of a command that ended its goroutine.
var ErrEnded = errors.New("combine: the command ended its goroutine")

// A Panic is what a caller panics with where its command panicked in the goroutine of a batch. It
// prints the value and the stack of the panic itself.
type Panic struct {
	value any
	stack []byte
}

// Value returns what the command panicked with.
func (p *Panic) Value() any { return p.value }

// Stack returns the stack of the goroutine that panicked.
func (p *Panic) Stack() []byte { return p.stack }

func (p *Panic) Error() string {
	return fmt.Sprintf("%v\n\nThe command ran in another goroutine:\n%s", p.value, p.stack)
}

// Unwrap returns the value of the panic where it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// caught returns the Panic for what recover returned, which is nil where the goroutine is about to
// end. It is called by the deferred function, while the stack is still there.
func caught(recovered any) *Panic {
	if recovered == nil {
		recovered = ErrEnded
	}
	return &Panic{recovered, debug.Stack()}
}

// apart runs f in a goroutine of its own, and returns the Panic where it does not return.
func apart(f func()) *Panic {
	ended := make(chan *Panic, 1)
	go func() {
		returned := false
		defer func() {
			if returned {
				ended <- nil
			} else {
				ended <- caught(recover())
			}
		}()
		f()
		returned = true
	}()
	return <-ended
}
