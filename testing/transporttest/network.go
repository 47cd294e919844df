package transporttest

import (
	"testing"

	"github.com/fanfare-go/fanfare/transport"
)

// Network makes transports of one kind that reach each other.
type Network struct {
	// Name is that of the kind, such as "tcp". Tests are named after it.
	Name string
	// Open begins a network for one test. Each call of open adds a transport to it, which is connected with all others of the network that
	// have not ended when open returns, each with each and both ways, and knows what they have subscribed to. A transport belongs to whoever
	// called open, who ends it; what else the network needs ends with the test. Open and open fail the test when that cannot be had, and
	// are for its goroutine.
	Open func(t testing.TB) (open func() transport.Transport)
}
