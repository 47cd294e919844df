package zmq

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
)

// exchange is a request under way. It is used again when it has ended: nobody who does not find it in requests.pending may touch it.
type exchange struct {
	requests *requests
	id       uint64
	ready    chan struct{} // a token while there are answers
	// Guarded by requests.mu.
	attempts []attempt
	answers  []transport.Answer
}

// attempt is one message that was sent for the exchange.
type attempt struct {
	server   *server
	answered bool
}

func (e *exchange) ID() uint64 { return e.id }

func (e *exchange) Ready() <-chan struct{} { return e.ready }

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
	return best, first, nil
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

// answer notes an answer of a server, and reports whether one was awaited from it. The caller holds requests.mu.
func (e *exchange) answer(s *server, answer transport.Answer) bool {
	awaited := false
	for i := range e.attempts {
		if a := &e.attempts[i]; a.server == s && !a.answered {
			a.answered, awaited = true, true
			s.underway--
			if answer.Err == nil {
				break // the others at the same server may have replies of their own
			}
			e.answers = append(e.answers, answer)
		}
	}
	if !awaited {
		return false
	}
	if answer.Err == nil {
		e.answers = append(e.answers, answer)
	}
	select {
	case e.ready <- struct{}{}:
	default:
	}
	return true
}

func (e *exchange) Take() (a transport.Answer, ok bool) {
	e.requests.mu.Lock()
	defer e.requests.mu.Unlock()
	if len(e.answers) == 0 {
		return a, false
	}
	a = e.answers[0]
	e.answers = slices.Delete(e.answers, 0, 1)
	return a, true
}

func (e *exchange) End(cancel *transport.Message) {
	r := e.requests
	var unanswered []*server
	r.mu.Lock()
	delete(r.pending, e.id)
	for _, a := range e.attempts {
		if a.answered {
			continue
		}
		a.server.underway--
		if cancel != nil && !a.server.plain {
			unanswered = append(unanswered, a.server)
		}
	}
	r.mu.Unlock()
	for _, s := range unanswered {
		_ = r.send(s, e.id, cancel, true) // a server that does not hear of it works in vain, no more
	}
	clear(e.attempts)
	clear(e.answers)
	e.attempts, e.answers = e.attempts[:0], e.answers[:0]
	select {
	case <-e.ready:
	default:
	}
	r.ended.Put(e)
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
