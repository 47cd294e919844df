package fault

import (
	"errors"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// Serve has requests go through the faults.
func (r *requesting) Serve(s transport.Server) error {
	return r.requester.Serve(&server{of: r, server: s})
}

// server is a transport.Server that requests come to by way of the faults.
type server struct {
	of     *requesting
	server transport.Server
}

// Request decides what becomes of a request.
func (s *server) Request(real transport.Request) {
	t := s.of.of
	pause(t.faults.plan.Read, t.ended, nil)
	a, h, from := t.describe(aRequest, real.Message())
	if t.cut.Load() || from != nil && from.cut.Load() {
		t.faults.log.lost(t.name, a)
		t.discard(a, real)
		return
	}
	fate := t.faults.fate(a)
	if fate.drop {
		t.faults.log.dropped(a)
		t.discard(a, real)
		return
	}
	r := &received{of: s.of, real: real, from: from, id: h.Seq, message: *real.Message(), arrived: real.Arrived()}
	if fate.duplicate {
		r.twin = &received{of: s.of, real: real, again: true, message: copied(real.Message()), arrived: r.arrived}
	}
	if a.kind != aCancel {
		r.begin()
	}
	if fate.delay > 0 {
		t.faults.log.delayed()
	}
	if r.twin != nil {
		t.faults.log.duplicated(a)
	}
	s.deliver(fate.delay, r, a)
}

// discard ends a request that the server does not get. There would be no reply to a cancellation: so none is dropped, although the transport
// counts one.
func (t *wrapped) discard(a arrival, real transport.Request) {
	if a.kind == aCancel {
		t.cancels.Add(1)
	}
	real.Discard()
}

// deliver hands a request to the server, once or twice. It waits until the server has it, or until there is room for it if it comes later.
func (s *server) deliver(delay time.Duration, r *received, a arrival) {
	t := s.of.of
	c, over := s.of.courier(r.Client()), make(chan struct{})
	later := t.faults.plan.Delay > 0
	c.room()
	c.bring(delay, func(given bool) {
		defer close(over)
		if !given {
			return
		}
		if r.isCut() { // a partition has overtaken it
			t.faults.log.lost(t.name, a)
			r.Discard()
			return
		}
		for ; r != nil; r = r.twin {
			if later {
				r.arrived = time.Now()
			}
			s.server.Request(r)
		}
	})
	if later {
		return
	}
	select {
	case <-over:
	case <-t.ended: // a server that waits must not hold that up
	}
}

// received is a transport.Request with faults.
type received struct {
	of      *requesting
	real    transport.Request
	from    *wrapped  // who asks; nil if that is not wrapped
	id      uint64    // its exchange there
	again   bool      // it came twice, and this is the second one: its reply goes nowhere
	twin    *received // the second one of this, nil if there is none
	message transport.Message
	arrived time.Time

	mu        sync.Mutex
	abandoned func(lost bool)
	over      bool // it was answered, or given up
	cancelled bool
	lost      bool // its connection
	cut       bool // which is there for the transport: a partition has ended it
}

func (r *received) Message() *transport.Message { return &r.message }
func (r *received) Client() transport.Peer      { return r.real.Client() }
func (r *received) Arrived() time.Time          { return r.arrived }

// begin has the transport tell of the end of the client from now on: the server may hear of the request later.
func (r *received) begin() {
	r.of.mu.Lock()
	r.of.open[r] = struct{}{}
	r.of.mu.Unlock()
	r.real.OnAbandoned(func(lost bool) {
		if lost {
			r.setCut(false) // the transport knows of it, and counts the reply
		}
		r.abandon(lost)
	})
}

// setCut notes whether a partition has ended the connection.
func (r *received) setCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut && !r.lost
}

// isCut reports whether a partition has ended the connection.
func (r *received) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// abandon notes that the client does not wait any more.
func (r *received) abandon(lost bool) {
	r.mu.Lock()
	f := r.abandoned
	if r.over || r.lost || r.cancelled && !lost {
		f = nil
	}
	r.lost, r.cancelled = r.lost || lost, r.cancelled || !lost
	r.mu.Unlock()
	if f != nil {
		f(lost)
	}
	if r.twin != nil {
		r.twin.abandon(lost)
	}
}

func (r *received) OnAbandoned(f func(lost bool)) {
	r.mu.Lock()
	r.abandoned = f
	lost, cancelled := r.lost, r.cancelled
	r.mu.Unlock()
	if lost || cancelled {
		f(lost)
	}
}

// finish notes that it ends.
func (r *received) finish() {
	r.of.mu.Lock()
	delete(r.of.open, r)
	r.of.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

func (r *received) Reply(m *transport.Message) error {
	t := r.of.of
	if r.again {
		return nil
	}
	if r.isCut() {
		r.Discard()
		return transport.ErrLost
	}
	t.faults.leaves(t, m)
	err := r.real.Reply(m)
	if err == nil || errors.Is(err, transport.ErrLost) {
		r.finish()
	}
	return err
}

func (r *received) Discard() {
	if !r.again {
		r.finish()
		r.real.Discard()
	}
}

func (r *received) Cancel() {
	if !r.again {
		r.real.Cancel()
	}
}

// abandon gives up what is open: all of it, or what a client has asked that is cut off.
func (r *requesting) abandon(client *wrapped) {
	r.mu.Lock()
	var all []*received
	for q := range r.open {
		if client == nil || q.from == client {
			all = append(all, q)
		}
	}
	r.mu.Unlock()
	for _, q := range all {
		q.setCut(true)
		q.abandon(true)
		if client == nil && q.from != nil && q.from.requesting != nil {
			q.from.requesting.loseOne(q.id)
		}
		r.courier(q.Client()).hurry()
	}
}
