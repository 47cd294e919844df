package bustest

import (
	"context"
	"strconv"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

// Open opens a bus, as [New] does with the same options, that is connected with every other one that it has opened in the test: what was
// subscribed to before gets what the new one publishes, and the other way round. What is subscribed to or served afterwards is in force when
// Ready, WaitSubscribers, WaitPublishers or WaitServers says so. The options' Transport is Open's, and without
// a Name the first bus is called "1", the second one "2", and so on. The bus serves the call "bustest.nothing", so
// that it refuses requests for others, and clients turn to the buses that serve them.
type Open func(options ...*bus.Options) *bus.Bus

// Run runs body once for each kind of transport, as a parallel subtest of its name: memory, inproc, ipc and tcp, and those of more.
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
	open, opened := n.Open(t), 0
	return func(options ...*bus.Options) *bus.Bus {
		t.Helper()
		o := last(options)
		if o.Transport != nil {
			t.Fatalf("the options of Open have a Transport of their own: use bustest.New")
		}
		o.Transport = open()
		if opened++; o.Name == "" {
			o.Name = strconv.Itoa(opened)
		}
		b := New(t, &o)
		if b.Requester() != nil {
			answer(t, b)
		}
		return b
	}
}

// answer has a bus serve something. One that serves nothing keeps the requests that come to it, for a server that is yet to begin, and each
// client that it has as a peer would wait for that as well as for the bus that serves.
func answer(t testing.TB, b *bus.Bus) {
	t.Helper()
	nothing := request.NewCall[struct{}, struct{}]("bustest.nothing")
	_, err := request.Serve(b, nothing, func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }, nil)
	if err != nil {
		t.Fatalf("serving %q: %v", nothing, err)
	}
}
