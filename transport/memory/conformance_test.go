package memory_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

var everything = transporttest.Capabilities{
	Order: true, Acknowledgement: true, Groups: true, Durability: true, Requests: true, Tasks: true,
}

// The driver keeps the contract of package transport.
func TestConformance(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, bustest.Memory(), everything)
}

// It does so with short queues as well.
func TestConformanceOfShortQueues(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, transporttest.Network{Name: "short queues", Open: func(testing.TB) func() transport.Transport {
		n := memory.NewNetwork(&memory.Options{HWM: 64})
		return func() transport.Transport { return n.Join() }
	}}, everything)
}
