package bustest

import (
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

// Open opens a bus, as [New] does with the same options, that is connected with every other one that it has opened in the test: what was
// subscribed to before gets what the new one publishes, and the other way round. What is subscribed to or served afterwards is in force when
// Ready, WaitSubscribers, WaitPublishers or WaitServers says so. The options' Transport is Open's.
type Open func(options ...*bus.Options) *bus.Bus

// Run runs body once for each kind of transport, as a parallel subtest of its name: memory, inproc, ipc and tcp, and those of more.
//
// Over ZeroMQ a bus that serves nothing keeps the requests that it is sent until it does, and clients wait for an answer of it until their
// next attempt: of three buses or more that ask, have each serve some call.
//
// A bus that has ended stays among the endpoints that later ones over ZeroMQ have been connected to: their Ready then waits for it.
func Run(t *testing.T, body func(t *testing.T, open Open), more ...transporttest.Network) {
	t.Helper()
	for _, n := range append([]transporttest.Network{Memory(), Inproc(), IPC(), TCP()}, more...) {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			body(t, On(t, n))
		})
	}
}

// On begins a network for a test, and returns what opens buses on it.
func On(t testing.TB, n transporttest.Network) Open {
	t.Helper()
	open := n.Open(t)
	return func(options ...*bus.Options) *bus.Bus {
		t.Helper()
		o := last(options)
		if o.Transport != nil {
			t.Fatalf("the options of Open have a Transport of their own: use bustest.New")
		}
		o.Transport = open()
		return New(t, &o)
	}
}
