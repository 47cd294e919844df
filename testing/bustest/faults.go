package bustest

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/testing/bustest/internal/fault"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
)

// Faults makes transports lose, repeat and delay messages, and cuts them off from each other, by a [Plan] and by hand. Use one for each
// test. Its methods may be called concurrently; those that can fail the test only from its own goroutine.
//
// Faults happen where messages arrive at a wrapped transport: events at their receiver, requests at the server, replies at the client,
// tasks at the worker, acknowledgements at the producer. So a dropped event shows as a gap, and one that comes twice is dropped by the bus
// and counted. A dropped request is one that no server has seen, and the client asks again or gives up; one that comes twice is handled
// twice, and the second reply goes nowhere. A dropped task is given again, to another worker, when its AckTimeout is over; one that comes
// twice is handled twice, as soon as the worker has room for it. The credit of workers is not touched: no network loses that and keeps the
// connection. What tasks are sent in the plain form is lost for good when it is dropped, since nobody waits for an acknowledgement.
//
// It works with every transport, in real time and in a testing/synctest bubble if the transport does.
type Faults struct {
	t        testing.TB
	seed     uint64
	injector *fault.Injector
	numbered atomic.Int64 // transports of networks

	steps []Step
	begin sync.Once
	taken atomic.Bool // all steps
	// Made in the first Wrap, which may be in a bubble that NewFaults is not in. When that has ended all steps are taken, and nobody may use
	// the channels any more.
	ended, stopped chan struct{}
}

// NewFaults returns faults for one test. A plan with values outside of their limits fails the test. A random seed is logged; when the test has
// failed at its end, the seed and the last 50 lines of Log are. For transports in a bubble of testing/synctest make it there: else all steps of
// the plan must have had their time when the bubble ends.
func NewFaults(t testing.TB, p Plan) *Faults {
	t.Helper()
	if err := p.check(); err != nil {
		t.Fatalf("%v", err)
	}
	seed, err := p.seed()
	if err != nil {
		t.Fatalf("%v", err)
	}
	injector := fault.New(fault.Plan{Seed: seed, Drop: p.Drop, Duplicate: p.Duplicate, Delay: p.Delay, Read: p.Read})
	f := &Faults{t: t, seed: seed, injector: injector, steps: p.schedule()}
	if p.Seed == 0 {
		t.Logf("bustest.Faults: seed %d", seed) // a test that hangs, or a bubble in a deadlock, comes to no end
	}
	t.Cleanup(func() {
		if f.ended != nil && !f.taken.Load() {
			close(f.ended)
			<-f.stopped
		}
		if t.Failed() {
			t.Log("bustest.Faults: " + f.replay())
		}
	})
	return f
}

// replay says how to have the same faults again, and which there were.
func (f *Faults) replay() string {
	return fmt.Sprintf("seed %d replays this (Plan.Seed, or %s=%d)%s", f.seed, seedVariable, f.seed, f.injector.Report())
}

// Seed returns the seed that is used: that of the plan, of the environment, or the random one.
func (f *Faults) Seed() uint64 { return f.seed }

// Wrap returns tr with faults, by a name that Partition, Heal, Kill and the log use. It has those of the optional interfaces
// [transport.Retainer], [transport.Requester] and [transport.Tasker] that tr has. Closing it closes tr. A name may be used again when its
// transport has ended, as for a process that is started again; else the test fails. The first call begins the steps of the plan.
func (f *Faults) Wrap(name string, tr transport.Transport) transport.Transport {
	f.t.Helper()
	wrapped, err := f.injector.Wrap(name, tr)
	if err != nil {
		f.t.Fatalf("%v", err)
	}
	f.begin.Do(func() {
		if len(f.steps) > 0 {
			f.ended, f.stopped = make(chan struct{}), make(chan struct{})
			go f.takeSteps() // the end of the test waits for it
		}
	})
	return wrapped
}

// Network returns n with faults: each of its transports is wrapped, the first one under the name "1", the second one under "2", and so on
// for all networks of f.
func (f *Faults) Network(n transporttest.Network) transporttest.Network {
	return transporttest.Network{Name: n.Name, Open: func(t testing.TB) func() transport.Transport {
		t.Helper()
		open := n.Open(t)
		return func() transport.Transport {
			t.Helper()
			return f.Wrap(strconv.FormatInt(f.numbered.Add(1), 10), open())
		}
	}}
}

// Partition cuts the named transport off from all others, until Heal. It loses its connections: of what it has asked it gets
// [transport.ErrLost], its workers and producers are gone, it has no publishers, subscribers or servers, and what it publishes, and what is
// published meanwhile, is lost to the other side. Peers get back the tasks that they have given to it; those that are wrapped lose the
// requests that are under way, and their producers are gone for its peers. Requests that are made to it later get no answer, as those that
// are sent into a cut cable.
//
// The peers themselves notice nothing of that but the loss of what is under way: they go on counting it among their publishers,
// subscribers and servers, their Ready and the like do not wait for it, and their buses tell of no [bus.PeerDown] and, at the end, of no
// [bus.PeerUp]. So it is with a cut cable until a timeout. To have a peer see the end of its connections, use Kill, or cut the peer off.
//
// It does nothing to a transport that is cut off, or that has ended. The test fails if there was none of that name.
func (f *Faults) Partition(name string) {
	f.t.Helper()
	if err := f.injector.Partition(name); err != nil {
		f.t.Fatalf("%v", err)
	}
}

// Heal connects a transport again that Partition has cut off: subscriptions are in force as before, events with a [transport.Retainer] come
// again, workers have their credit. It does nothing to a transport that is not cut off. The test fails if there was none of that name.
func (f *Faults) Heal(name string) {
	f.t.Helper()
	if err := f.injector.Heal(name); err != nil {
		f.t.Fatalf("%v", err)
	}
}

// Kill ends the named transport as the end of its process would: nothing more is sent, peers lose the connection, and its bus gets errors
// that match net.ErrClosed. It does nothing to a transport that has ended. The test fails if there was none of that name.
func (f *Faults) Kill(name string) {
	f.t.Helper()
	if err := f.injector.Kill(name); err != nil {
		f.t.Fatalf("%v", err)
	}
}

// takeSteps takes the steps of the plan, until the test ends.
func (f *Faults) takeSteps() {
	defer func() {
		f.taken.Store(true)
		close(f.stopped)
	}()
	began := time.Now()
	for _, s := range f.steps {
		select {
		case <-time.After(time.Until(began.Add(s.At))):
		case <-f.ended:
			return
		}
		if err := s.take(f.injector); err != nil {
			f.t.Errorf("the step at %v: %v", s.At, err)
		}
	}
}

// take does what the step says.
func (s *Step) take(i *fault.Injector) error {
	switch {
	case s.Partition != "":
		return i.Partition(s.Partition)
	case s.Heal != "":
		return i.Heal(s.Heal)
	}
	return i.Kill(s.Kill)
}
