//go:build !race

package zmq_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/transport"
)

// Publishing a small message costs no allocation. (Under the race detector pools forget what they were given.)
func TestPublishDoesNotAllocate(t *testing.T) { // not parallel: AllocsPerRun counts those of all goroutines
	pub, sub := pair(t, anyPort, "a")
	m, into := message("a", "0123456789"), make([]transport.Message, 1)
	round := func() {
		publish(t, pub, m)
		if _, err := sub.Receive(t.Context(), into); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		round()
	}
	// Receiving allocates the slice of frames; the slab behind it is shared by hundreds of messages.
	if n := testing.AllocsPerRun(2000, round); n > 1 {
		t.Errorf("%v allocations for each message", n)
	}
}
