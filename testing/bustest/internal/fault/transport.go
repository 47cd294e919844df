package fault

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// wrapped is a transport with faults, as far as all transports are alike. What only some can do is in retaining, requesting and tasking.
type wrapped struct {
	faults *Injector
	name   string
	real   transport.Transport

	end     sync.Once
	ended   chan struct{} // closed when the transport ends
	cut     atomic.Bool   // it is cut off; changed under Injector.mu
	changed change.Signal // of what Pending, Publishers, Subscribers and Servers tell
	watcher sync.WaitGroup
	peers   peers
	incoming
	missed   missed
	prefixes prefixes
	arrived  counter
	outgoing counter       // of what was lost in a partition
	untaken  atomic.Uint64 // messages that the transport counts as received, or does not know of, and that the bus did not take
	withheld atomic.Int64  // messages that the transport has received, and the bus has not, less those that it has twice

	cancels atomic.Uint64 // cancellations that were discarded, which the transport counts as requests without a reply

	post        post
	undelivered atomic.Int64 // tasks that a courier has, or had at the end

	retaining  *retaining // nil for transports that cannot
	requesting *requesting
	tasking    *tasking
}

func newWrapped(f *Injector, name string, tr transport.Transport) *wrapped {
	t := &wrapped{faults: f, name: name, real: tr, ended: make(chan struct{}), peers: newPeers()}
	if real, ok := tr.(transport.Retainer); ok {
		t.retaining = &retaining{of: t, retainer: real}
	}
	if real, ok := tr.(transport.Requester); ok {
		t.requesting = &requesting{
			of: t, requester: real, couriers: map[transport.Peer]*courier{}, exchanges: map[uint64]*exchange{}, open: map[*received]struct{}{},
		}
	}
	if real, ok := tr.(transport.Tasker); ok {
		t.tasking = &tasking{of: t, tasker: real, links: map[aligner]struct{}{}}
	}
	return t
}

// exposed returns the transport with the optional interfaces that it has.
func (t *wrapped) exposed() transport.Transport {
	r, q, k := t.retaining, t.requesting, t.tasking
	switch {
	case r != nil && q != nil && k != nil:
		return struct {
			*wrapped
			*retaining
			*requesting
			*tasking
		}{t, r, q, k}
	case r != nil && q != nil:
		return struct {
			*wrapped
			*retaining
			*requesting
		}{t, r, q}
	case r != nil && k != nil:
		return struct {
			*wrapped
			*retaining
			*tasking
		}{t, r, k}
	case q != nil && k != nil:
		return struct {
			*wrapped
			*requesting
			*tasking
		}{t, q, k}
	case r != nil:
		return struct {
			*wrapped
			*retaining
		}{t, r}
	case q != nil:
		return struct {
			*wrapped
			*requesting
		}{t, q}
	case k != nil:
		return struct {
			*wrapped
			*tasking
		}{t, k}
	}
	return t
}

// spoilt reports whether something was lost, by this or another transport of the same faults.
func (t *wrapped) spoilt() bool {
	s := t.faults.Stats()
	return s.Dropped+s.Lost+s.Partitions+s.Kills > 0
}

// over reports whether the transport has ended.
func (t *wrapped) over() bool { return change.Closed(t.ended) }

// Publish loses m while the transport is cut off.
func (t *wrapped) Publish(m *transport.Message) error {
	if t.cut.Load() && !t.over() {
		t.loses(m)
		return nil
	}
	return t.faults.publish(t, m, func() error { return t.real.Publish(m) })
}

// loses notes an event that is lost on its way out. Plain ones are not counted with those that arrive: it would change the fate of these.
func (t *wrapped) loses(m *transport.Message) {
	a := arrival{kind: anEvent, topic: m.Topic}
	h, err := envelope.Parse(m.Envelope)
	if a.seq = h.Seq; err != nil {
		a.seq = t.outgoing.count(anEvent, m.Topic)
	} else if h.Retained {
		a.kind = aRetainedEvent
	}
	t.faults.log.lost(t.name, a)
}

func (t *wrapped) Subscribe(prefix string) error {
	if err := t.real.Subscribe(prefix); err != nil {
		return err
	}
	t.prefixes.add(prefix, 1)
	return nil
}

func (t *wrapped) Unsubscribe(prefix string) error {
	if err := t.real.Unsubscribe(prefix); err != nil {
		return err
	}
	t.prefixes.add(prefix, -1)
	return nil
}

func (t *wrapped) Changed() <-chan struct{} { return t.changed.Next() }

func (t *wrapped) Pending() []string {
	if t.cut.Load() && !t.over() {
		return []string{t.name + ": " + errPartitioned.Error()}
	}
	return t.real.Pending()
}

func (t *wrapped) Publishers() int {
	if t.cut.Load() {
		return 0
	}
	return t.real.Publishers()
}

func (t *wrapped) Subscribers(topic string) int {
	if t.cut.Load() {
		return 0
	}
	return t.real.Subscribers(topic)
}

func (t *wrapped) Events() <-chan transport.Event { return t.peers.events }

// Stats are those of the transport, but for what faults have kept from the bus, or given it twice.
func (t *wrapped) Stats() transport.Stats {
	s := t.real.Stats()
	waiting := t.waiting()
	s.Received = uint64(max(int64(s.Received)-t.withheld.Load()-int64(waiting), 0))
	s.Untaken += t.untaken.Load()
	if t.over() {
		s.Untaken += waiting
	}
	s.RepliesDropped -= min(t.cancels.Load(), s.RepliesDropped)
	if t.retaining != nil {
		s.RetainedEvicted += t.retaining.evicted.Load()
	}
	s.EventsLost += t.peers.lost.Load()
	return s
}

// leave notes that the bus does not take a message, at its end.
func (t *wrapped) leave() {
	t.withheld.Add(1)
	t.untaken.Add(1)
}

// waiting counts the events and tasks that wait for their time, and those that were given up while they did.
func (t *wrapped) waiting() uint64 { return t.incoming.left() + uint64(t.undelivered.Load()) }

// Shutdown hands over first what is delayed: acknowledgements that a producer waits for, and tasks and requests that have arrived.
func (t *wrapped) Shutdown(ctx context.Context) error {
	t.post.rush(ctx)
	err := t.real.Shutdown(ctx)
	t.post.rush(ctx) // what has come meanwhile
	t.finish()
	return err
}

func (t *wrapped) Close() error {
	t.stop()
	err := t.real.Close()
	t.finish()
	return err
}

// stop gives up what is delayed, and lets go who waits. It reports whether that ended the transport, which it does once.
func (t *wrapped) stop() (ended bool) {
	t.post.stop()
	t.end.Do(func() {
		close(t.ended)
		if t.retaining != nil {
			t.retaining.loseHeld()
		}
		t.setCut(false)
		ended = true
	})
	return ended
}

// finish waits for everything that the faults have begun. The transport has ended.
func (t *wrapped) finish() {
	t.stop()
	if t.requesting != nil {
		t.requesting.lose()
	}
	t.post.done.Wait()
	t.watcher.Wait()
	t.changed.Tell()
}

// kill ends the transport. Its bus closes it once more, which waits for the rest.
func (t *wrapped) kill() {
	if !t.stop() {
		return
	}
	t.faults.log.killed(t.name)
	_ = t.real.Close() // there is nobody to tell
	if t.requesting != nil {
		t.requesting.lose()
	}
	t.changed.Tell()
}
