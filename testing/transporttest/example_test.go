package transporttest_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// A driver is checked by one test, which says how connected transports are opened and what they can do.
func ExampleRun() {
	network := transporttest.Network{Name: "memory", Open: func(testing.TB) func() transport.Transport {
		n := memory.NewNetwork(nil)
		return func() transport.Transport { return n.Join() }
	}}

	_ = func(t *testing.T) { // func TestConformance(t *testing.T)
		transporttest.Run(t, network, transporttest.Capabilities{
			Order: true, Acknowledgement: true, Groups: true, Durability: true, Requests: true, Tasks: true,
		})
	}
}
