package bustest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// errPartitioned is why connections end at a partition.
var errPartitioned = errors.New("partitioned by bustest.Faults")

// Faults makes transports lose, repeat and delay messages, and cuts them off from each other, by a [Plan] and by hand. Use one for each test. Its methods
// may be called concurrently; those that can fail the test only from its own goroutine.
//
// Faults happen where messages arrive at a wrapped transport: events at their receiver, requests at the server, replies at the client,
// tasks at the worker, acknowledgements at the producer. So a dropped event shows as a gap, and one that comes twice is dropped by the bus and counted. A dropped
// request is one that no server has seen, and the client asks again or gives up; one that comes twice is handled twice, and the second reply goes nowhere. A
// dropped task is given again, to another worker, when its AckTimeout is over; one that comes twice is handled twice, as soon as the worker has room for
// it. The credit of workers is not touched: no network loses that and keeps the connection. What tasks are sent in the plain form is lost for
// good when it is dropped, since nobody waits for an acknowledgement.
//
// It works with every transport, in real time and in a testing/synctest bubble if the transport does.
type Faults struct {
	t        testing.TB
	plan     Plan
	seed     uint64
	log      faultLog
	senders  sync.Map // of *faulty by the uuid.UUID of their bus
	cuts     atomic.Int32
	ended    chan struct{}
	stepping sync.WaitGroup

	mu         sync.Mutex
	began      bool
	numbered   int
	transports map[string]*faulty // the last one of each name
}

// NewFaults returns faults for one test. A plan with values outside of their limits fails the test. When the test has failed at its end, the
// seed and the last 50 lines of Log are logged.
func NewFaults(t testing.TB, p Plan) *Faults {
	t.Helper()
	if err := p.check(); err != nil {
		t.Fatalf("%v", err)
	}
	seed, err := p.seed()
	if err != nil {
		t.Fatalf("%v", err)
	}
	p.Steps = p.schedule()
	f := &Faults{t: t, plan: p, seed: seed, ended: make(chan struct{}), transports: map[string]*faulty{}}
	t.Cleanup(func() {
		close(f.ended)
		f.stepping.Wait()
		if t.Failed() {
			t.Log("bustest.Faults: " + f.replay())
		}
	})
	return f
}

// replay says how to have the same faults again, and which there were.
func (f *Faults) replay() string {
	return fmt.Sprintf("seed %d replays this (Plan.Seed, or %s=%d)%s", f.seed, seedVariable, f.seed, f.log.report())
}

// Seed returns the seed that is used: that of the plan, of the environment, or the random one.
func (f *Faults) Seed() uint64 { return f.seed }

// Wrap returns tr with faults, by a name that Partition, Heal, Kill and the log use. It has those of the optional interfaces
// [transport.Retainer], [transport.Requester] and [transport.Tasker] that tr has. Closing it closes tr. A name may be used again when its transport has
// ended, as for a process that is started again; else the test fails. The first call begins the steps of the plan.
func (f *Faults) Wrap(name string, tr transport.Transport) transport.Transport {
	f.t.Helper()
	f.mu.Lock()
	before, began := f.transports[name], f.began
	if name == "" || before != nil && !before.over() {
		f.mu.Unlock()
		f.t.Fatalf("bustest.Faults: a transport is to be called %q, it must be a name that no other one has", name)
	}
	f.began = true
	t := newFaulty(f, name, tr)
	f.transports[name] = t
	f.mu.Unlock()
	t.watch()
	if !began && len(f.plan.Steps) > 0 {
		f.stepping.Go(f.takeSteps)
	}
	return t.exposed()
}

// Network returns n with faults: each of its transports is wrapped, the first one under the name "1", the second one under "2", and so on for
// all networks of f.
func (f *Faults) Network(n transporttest.Network) transporttest.Network {
	return transporttest.Network{Name: n.Name, Open: func(t testing.TB) func() transport.Transport {
		t.Helper()
		open := n.Open(t)
		return func() transport.Transport {
			t.Helper()
			return f.Wrap(f.number(), open())
		}
	}}
}

// number returns the next name of a transport of a network.
func (f *Faults) number() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbered++
	return strconv.Itoa(f.numbered)
}

// Partition cuts the named transport off from all others, until Heal. It loses its connections: of what it has asked it gets
// [transport.ErrLost], its workers and producers are gone, it has no publishers, subscribers or servers, and what it publishes, and what
// is published meanwhile, is lost to the other side. Peers get back the tasks that they have given to it; those that are wrapped lose the requests that are under way,
// and their producers are gone for its peers. Requests that are made to it later get no answer, as those that are sent into a cut cable.
//
// It does nothing to a transport that is cut off, or that has ended. The test fails if there was none of that name.
func (f *Faults) Partition(name string) {
	f.t.Helper()
	f.must(name, (*faulty).partition)
}

// Heal connects a transport again that Partition has cut off: subscriptions are in force as before, events with a
// [transport.Retainer] come again, workers have their credit. It does nothing to a transport that is not cut off. The test fails if there was none of that
// name.
func (f *Faults) Heal(name string) {
	f.t.Helper()
	f.must(name, (*faulty).heal)
}

// Kill ends the named transport as the end of its process would: nothing more is sent, peers lose the connection, and its bus gets errors that
// match net.ErrClosed. It does nothing to a transport that has ended. The test fails if there was none of that name.
func (f *Faults) Kill(name string) {
	f.t.Helper()
	f.must(name, (*faulty).kill)
}

// must does something to a transport by name.
func (f *Faults) must(name string, do func(*faulty)) {
	f.t.Helper()
	tr, err := f.named(name)
	if err != nil {
		f.t.Fatalf("%v", err)
	}
	do(tr)
}

// named returns the transport of that name.
func (f *Faults) named(name string) (*faulty, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tr := f.transports[name]; tr != nil {
		return tr, nil
	}
	known := fmt.Sprintf("one of %q", slices.Sorted(maps.Keys(f.transports)))
	return nil, &bus.OptionError{Field: "the name of a transport of bustest.Faults", Value: name, Limit: known}
}

// all returns the transports that have not been replaced.
func (f *Faults) all() []*faulty {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.transports))
}

// takeSteps takes the steps of the plan.
func (f *Faults) takeSteps() {
	began := time.Now()
	for _, s := range f.plan.Steps {
		if !pause(time.Until(began.Add(s.At)), f.ended, nil) {
			return
		}
		name, do := s.Partition+s.Heal+s.Kill, (*faulty).partition // one of them is set
		switch {
		case s.Heal != "":
			do = (*faulty).heal
		case s.Kill != "":
			do = (*faulty).kill
		}
		tr, err := f.named(name)
		if err != nil {
			f.t.Errorf("the step at %v: %v", s.At, err)
			continue
		}
		do(tr)
	}
}

// pause waits for d, and reports false if one of the channels was closed before.
func pause(d time.Duration, ended, done <-chan struct{}) bool {
	if d <= 0 {
		return !change.Closed(ended)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ended:
	case <-done:
	}
	return false
}

// sender returns the transport that a bus sends with, nil if it is not wrapped.
func (f *Faults) sender(source uuid.UUID) *faulty {
	t, _ := f.senders.Load(source)
	from, _ := t.(*faulty)
	return from
}

// leaves notes that m is sent by a transport, so that its peers know who has.
func (f *Faults) leaves(t *faulty, m *transport.Message) {
	if h, err := envelope.Parse(m.Envelope); err == nil { // plain ones say nothing
		f.senders.LoadOrStore(h.Source, t)
	}
}

// publish has a transport publish m, which those miss who are cut off now.
func (f *Faults) publish(t *faulty, m *transport.Message, publish func() error) error {
	f.leaves(t, m)
	h, err := envelope.Parse(m.Envelope)
	if err != nil || f.cuts.Load() == 0 {
		return publish()
	}
	var cut []*faulty
	for _, other := range f.all() {
		if other != t && other.cut.Load() {
			cut = append(cut, other)
			other.missed.add(h.Source, m.Topic, h.Seq) // before it can arrive
		}
	}
	if err := publish(); err != nil {
		for _, other := range cut {
			other.missed.remove(h.Source, m.Topic, h.Seq)
		}
		return err
	}
	return nil
}
