package memory

import (
	"slices"

	"github.com/fanfare-go/fanfare/transport"
)

// exchange is a request under way. requests.mu guards what changes.
type exchange struct {
	requests *requests
	id       uint64
	woken    chan<- struct{} // the caller's
	attempts []attempt
	waiting  int // attempts without an answer
	answers  []transport.Answer
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
	c := body(m) // outside of the lock
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.servers) == 0 {
		return transport.ErrNoPeer
	}
	var unable []*server
	for {
		s := e.choose(unable)
		if s == nil {
			return transport.ErrFull
		}
		if _, err := s.client.box.add(asked{e.id, c}, r.of.network.hwm); err != nil { // or it leaves at this moment
			unable = append(unable, s)
			continue
		}
		r.turns++
		s.turn = r.turns
		s.underway++
		e.attempts = append(e.attempts, attempt{server: s})
		e.waiting++
		r.pending[e.id] = e
		return nil
	}
}

// choose returns the best server that is not excluded, nil if there is none. The caller holds the lock.
func (e *exchange) choose(excluded []*server) (best *server) {
	asked := false
	for _, s := range e.requests.servers {
		if slices.Contains(excluded, s) {
			continue
		}
		before := e.asked(s)
		if best == nil || asked && !before || asked == before && s.before(best) {
			best, asked = s, before
		}
	}
	return best
}

// asked reports whether there was an attempt at s. The caller holds the lock.
func (e *exchange) asked(s *server) bool {
	return slices.ContainsFunc(e.attempts, func(a attempt) bool { return a.server == s })
}

func (e *exchange) Unasked() (n int) {
	e.requests.mu.Lock()
	defer e.requests.mu.Unlock()
	for _, s := range e.requests.servers {
		if !e.asked(s) {
			n++
		}
	}
	return n
}

// answer notes an answer of a server, and reports whether one was awaited from it. A loss answers all attempts at the server, a reply the
// first. The caller holds the lock.
func (e *exchange) answer(s *server, answer transport.Answer) (awaited bool) {
	for i := range e.attempts {
		if a := &e.attempts[i]; a.server == s && !a.answered && (!awaited || answer.Err != nil) {
			e.settle(a)
			e.answers = append(e.answers, answer)
			awaited = true
		}
	}
	if awaited {
		select {
		case e.woken <- struct{}{}:
		default:
		}
	}
	return awaited
}

// settle has an attempt wait for an answer no longer. The caller holds the lock.
func (e *exchange) settle(a *attempt) {
	a.answered = true
	a.server.underway--
	if e.waiting--; e.waiting == 0 {
		delete(e.requests.pending, e.id)
	}
}

func (e *exchange) Take() (a transport.Answer, ok bool) {
	e.requests.mu.Lock()
	defer e.requests.mu.Unlock()
	if len(e.answers) == 0 {
		return a, false
	}
	a, e.answers = e.answers[0], e.answers[1:]
	return a, true
}

// End tells servers of the end even if they have no room: there is one word for each request at most.
func (e *exchange) End(cancel *transport.Message) {
	r := e.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range e.attempts {
		a := &e.attempts[i]
		if a.answered {
			continue
		}
		e.settle(a)
		if cancel != nil {
			_, _ = a.server.client.box.add(asked{e.id, cancelled(cancel)}, -1) // one that has left needs no word
		}
	}
}

// cancelled returns a copy of the message that ends a request, which has no payload, as the server gets it.
func cancelled(m *transport.Message) transport.Message {
	c := body(m)
	if len(c.Payload) == 0 {
		c.Payload = [][]byte{{}}
	}
	return c
}
