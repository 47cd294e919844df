// Package bustest makes tests of code that publishes or subscribes short, and certain: nothing in it polls or sleeps, and all of it
// works inside a testing/synctest bubble.
package bustest

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/rs/zerolog"
)

// patience is how long helpers wait for what must happen. Inside a synctest bubble that is virtual time.
const patience = 10 * time.Second

// New returns a bus for one test: in-process, or as the options say. What it logs goes to the test's log, unless the options have
// a logger. When the test ends the bus is closed, and the test fails if a handler is still running 10 s later.
func New(t testing.TB, options ...*bus.Options) *bus.Bus {
	t.Helper()
	var o bus.Options
	for _, given := range options {
		if given != nil {
			o = *given
		}
	}
	if o.Logger == nil {
		log := zerolog.New(zerolog.NewTestWriter(t))
		o.Logger = &log
	}
	b, err := bus.New(&o)
	if err != nil {
		t.Fatalf("bus.New: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("closing the bus: %v", err)
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-b.Done():
		case <-timer.C:
			t.Errorf("a handler is still running %v after the bus was closed", patience)
		}
	})
	return b
}
