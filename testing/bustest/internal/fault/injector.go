// Package fault is what goes wrong behind bustest.Faults: transports that lose, repeat and delay messages, and are cut off from each other.
// It knows no tests: what is not as it should be is an error.
//
// Each transport is a [transport.Transport] around the true one. What arrives at it gets its fate in fate.go, and waits for its time:
// events in a queue of their own (events.go), replies in that of their exchange (exchange.go), everything else with the courier of
// its connection (courier.go, post.go). Connections of tasks have two sides, which count credit (intake.go, source.go): a partition ends one
// of them, the other one does not notice.
package fault

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// Plan says what becomes of messages. Its fields are those of bustest.Plan, which checks them.
type Plan struct {
	Seed            uint64
	Drop, Duplicate float64
	Delay, Read     time.Duration
}

// Injector makes transports with faults. Its methods may be called concurrently.
type Injector struct {
	plan    Plan
	log     log
	senders sync.Map // of *wrapped by the uuid.UUID of their bus
	cuts    atomic.Int32

	mu         sync.Mutex
	transports map[string]*wrapped // the last one of each name
}

// New returns one whose faults follow a plan.
func New(p Plan) *Injector { return &Injector{plan: p, transports: map[string]*wrapped{}} }

// Wrap returns tr with faults, with those of the optional interfaces that it has. It is an error if the name is "", or that of a transport
// that has not ended.
func (f *Injector) Wrap(name string, tr transport.Transport) (transport.Transport, error) {
	t := newWrapped(f, name, tr)
	if !f.add(t) {
		return nil, fmt.Errorf("bustest.Faults: a transport is to be called %q, it must be a name that no other one has", name)
	}
	t.watch()
	return t.exposed(), nil
}

// add makes a transport known, and reports whether its name is free.
func (f *Injector) add(t *wrapped) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if before := f.transports[t.name]; t.name == "" || before != nil && !before.over() {
		return false
	}
	f.transports[t.name] = t
	return true
}

// Partition cuts the named transport off from all others. It does nothing to one that is cut off, or that has ended. It is an error if
// there was none of that name.
func (f *Injector) Partition(name string) error { return f.do(name, (*wrapped).partition) }

// Heal connects the named transport again. It does nothing to one that is not cut off. It is an error if there was none of that name.
func (f *Injector) Heal(name string) error { return f.do(name, (*wrapped).heal) }

// Kill ends the named transport as the end of its process would. It does nothing to one that has ended. It is an error if there was none of
// that name.
func (f *Injector) Kill(name string) error { return f.do(name, (*wrapped).kill) }

// do does something to a transport by name.
func (f *Injector) do(name string, what func(*wrapped)) error {
	f.mu.Lock()
	t, known := f.transports[name], slices.Sorted(maps.Keys(f.transports))
	f.mu.Unlock()
	if t == nil {
		return fmt.Errorf("the name of a transport of bustest.Faults is %q, it must be one of %q", name, known)
	}
	what(t)
	return nil
}

// Spoilt reports whether tr is a transport with faults, and something was lost by any of the same Injector.
func Spoilt(tr transport.Transport) bool {
	t, ok := tr.(interface{ spoilt() bool })
	return ok && t.spoilt()
}

// all returns the transports that have not been replaced.
func (f *Injector) all() []*wrapped {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.transports))
}

// sender returns the transport that a bus sends with, nil if it is not wrapped.
func (f *Injector) sender(source uuid.UUID) *wrapped {
	t, _ := f.senders.Load(source)
	from, _ := t.(*wrapped)
	return from
}

// leaves notes that m is sent by a transport, so that its peers know who has.
func (f *Injector) leaves(t *wrapped, m *transport.Message) {
	if h, err := envelope.Parse(m.Envelope); err == nil { // plain ones say nothing
		f.senders.LoadOrStore(h.Source, t)
	}
}
