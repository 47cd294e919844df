package fault

import (
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// requesting is a transport.Requester with faults.
type requesting struct {
	of        *wrapped
	requester transport.Requester

	mu        sync.Mutex
	couriers  map[transport.Peer]*courier // of the requests of each client. Few clients come and go in a test: they stay
	exchanges map[uint64]*exchange        // by their ID
	open      map[*received]struct{}      // taken from clients, and not answered
}

func (r *requesting) Servers() int {
	if r.of.cut.Load() {
		return 0
	}
	return r.requester.Servers()
}

func (r *requesting) Unserved() []string {
	if r.of.cut.Load() {
		return []string{r.of.name + ": " + errPartitioned.Error()}
	}
	return r.requester.Unserved()
}

func (r *requesting) Exchange(woken chan<- struct{}) (transport.Exchange, error) {
	real, err := r.requester.Exchange(woken)
	if err != nil {
		return nil, err
	}
	e := &exchange{of: r, real: real, id: real.ID(), woken: woken}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges[e.id] = e
	return e, nil
}

// courier returns that of a client.
func (r *requesting) courier(client transport.Peer) *courier {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.couriers[client]
	if c == nil {
		c = r.of.post.hire()
		r.couriers[client] = c
	}
	return c
}

// lose answers all attempts that have no answer.
func (r *requesting) lose() {
	r.mu.Lock()
	all := make([]*exchange, 0, len(r.exchanges))
	for _, e := range r.exchanges {
		all = append(all, e)
	}
	r.mu.Unlock()
	for _, e := range all {
		e.lose(e.everything)
	}
}

// loseOne answers an attempt of one exchange.
func (r *requesting) loseOne(id uint64) {
	r.mu.Lock()
	e := r.exchanges[id]
	r.mu.Unlock()
	if e != nil {
		e.lose(func() int { return 1 })
	}
}
