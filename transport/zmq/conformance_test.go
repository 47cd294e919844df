package zmq_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

// The driver keeps the contract of package transport over every kind of endpoint.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			transporttest.Run(t, n, transporttest.Capabilities{
				Order: true, Acknowledgement: true, Groups: true, Durability: true, Requests: true, Tasks: true,
			})
		})
	}
}
