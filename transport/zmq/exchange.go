package zmq

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
)

// exchange is a request under way. It is used again when it has ended: it is in requests.pending as long as an attempt has no answer, and
// nobody who does not find it there may touch it.
type exchange struct {
	requests *requests
	id       uint64
	woken    chan<- struct{} // the caller's
	waiting  atomic.Int32    // attempts without an answer; changed under requests.mu, to 0 last of all
	attempts []attempt       // guarded by requests.mu

	mu      sync.Mutex // comes after requests.mu
	answers []transport.Answer
}

// attempt is one message that was sent for the exchange.
type attempt struct {
	server   *server
	answered bool
}

func (e *exchange) ID() uint64 { return e.id }

// Send tries the servers until one has room.
func (e *exchange) Send(m *transport.Message) error {
	r := e.requests
	if err := r.of.check(m); err != nil {
		return err
	}
	full := map[*server]bool(nil)
	for {
		s, first, err := e.choose(full)
		if err != nil {
			return err
		}
		err = r.send(s, e.id, m, first)
		if err == nil || !e.withdraw(s) { // it was answered already: the connection is gone, and the exchange has been told
			return nil
		}
		if !errors.Is(err, socket.ErrFull) && !errors.Is(err, socket.ErrClosed) {
			return err
		}
		if full == nil {
			full = map[*server]bool{}
		}
		full[s] = true
	}
}

// choose notes an attempt at the best server that is not excluded, and tells whether the server has no other one.
func (e *exchange) choose(excluded map[*server]bool) (best *server, first bool, err error) {
	r := e.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := false
	for _, s := range r.servers {
		if excluded[s] {
			continue
		}
		before := e.asked(s)
		if best == nil || asked && !before || asked == before && s.before(best) {
			best, asked = s, before
		}
	}
	switch {
	case best != nil:
	case len(r.servers) > 0:
		return nil, false, transport.ErrFull
	default:
		return nil, false, transport.ErrNoPeer
	}
	r.turns++
	best.turn = r.turns
	first = best.underway == 0
	best.underway++
	e.attempts = append(e.attempts, attempt{server: best})
	if e.waiting.Add(1) == 1 {
		r.pending[e.id] = e
	}
	return best, first, nil
}

// answered notes that so many attempts have an answer. The caller holds requests.mu, and is done with the exchange.
func (e *exchange) answered(n int32) {
	if e.waiting.Load() == n {
		delete(e.requests.pending, e.id)
	}
	e.waiting.Add(-n)
}

// asked reports whether the exchange has made an attempt at s. The caller holds requests.mu.
func (e *exchange) asked(s *server) bool {
	for _, a := range e.attempts {
		if a.server == s {
			return true
		}
	}
	return false
}

// withdraw takes the last attempt, at s, back. It reports false if there was an answer already.
func (e *exchange) withdraw(s *server) bool {
	e.requests.mu.Lock()
	defer e.requests.mu.Unlock()
	last := len(e.attempts) - 1
	if e.attempts[last].answered {
		return false
	}
	e.attempts = e.attempts[:last]
	s.underway--
	e.answered(1)
	return true
}

func (e *exchange) Unasked() (n int) {
	r := e.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.servers {
		if !e.asked(s) {
			n++
		}
	}
	return n
}

// answer notes an answer of a server, and reports whether one was awaited from it. A loss answers all attempts at the server, a reply the first.
// The caller holds requests.mu.
func (e *exchange) answer(s *server, answer transport.Answer) bool {
	n := int32(0)
	for i := range e.attempts {
		if a := &e.attempts[i]; a.server == s && !a.answered && (n == 0 || answer.Err != nil) {
			a.answered = true
			s.underway--
			n++
		}
	}
	if n == 0 {
		return false
	}
	e.mu.Lock()
	for range n {
		e.answers = append(e.answers, answer)
	}
	e.mu.Unlock()
	select {
	case e.woken <- struct{}{}:
	default:
	}
	e.answered(n)
	return true
}

func (e *exchange) Take() (a transport.Answer, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.answers) == 0 {
		return a, false
	}
	a = e.answers[0]
	e.answers = slices.Delete(e.answers, 0, 1)
	return a, true
}

func (e *exchange) End(cancel *transport.Message) {
	r := e.requests
	if e.waiting.Load() > 0 {
		for _, s := range e.abandon() {
			if cancel != nil && !s.plain {
				_ = r.send(s, e.id, cancel, true) // a server that does not hear of it works in vain, no more
			}
		}
	}
	clear(e.attempts)
	clear(e.answers)
	e.attempts, e.answers = e.attempts[:0], e.answers[:0]
	r.ended.Put(e)
}

// abandon has no attempt wait for an answer any more, and returns the servers that owe one.
func (e *exchange) abandon() (servers []*server) {
	r := e.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range e.attempts {
		if !a.answered {
			a.server.underway--
			servers = append(servers, a.server)
		}
	}
	e.answered(int32(len(servers)))
	return servers
}

// send sends a message to a server. now: it has nothing else under way, so there is nothing to gather.
func (r *requests) send(s *server, id uint64, m *transport.Message, now bool) error {
	o := r.of.borrow()
	o.id = binary.BigEndian.AppendUint64(o.id[:0], id)
	o.frames = append(o.frames[:0], o.id, nil)
	o.appendBody(m, s.plain)
	err := s.conn.Send(o.frames, flagsOf(m, now))
	r.of.giveBack(o)
	return err
}
