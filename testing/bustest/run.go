package bustest

import (
	"strconv"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

// Open opens a bus, as [New] does with the same options, that is connected with every other one that it has opened in the test: what was
// subscribed to before gets what the new one publishes, and the other way round. What is subscribed to or served afterwards is in force when
// Ready, WaitSubscribers, WaitPublishers or WaitServers says so. The options' Transport is Open's, and without a Name the first bus is called
// "1", the second one "2", and so on.
//
// At the end of the test buses end one after the other: those with tasks that are not done, those that have sent more than they have received,
// and the others. What is on its way to another bus then is not waited for. A test waits for what it expects there.
//
// When one bus serves a call, the others serve "bustest.nothing": so they refuse requests for others, and clients turn to the bus that serves
// them.
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
	open, all := n.Open(t), &company{t: t}
	t.Cleanup(all.serving.Wait) // after the buses
	return func(options ...*bus.Options) *bus.Bus {
		t.Helper()
		o := last(options)
		if o.Transport != nil {
			t.Fatalf("the options of Open have a Transport of their own: use bustest.New")
		}
		tr := open()
		if tr != nil { // a network may be one of buses that are not connected
			t.Cleanup(func() { _ = tr.Close() }) // for a bus that cannot be made; another one has ended it before
		}
		if o.Name == "" {
			o.Name = strconv.Itoa(len(all.buses) + 1)
		}
		o.Transport = tr
		b := New(t, &o)
		all.join(b)
		return b
	}
}
