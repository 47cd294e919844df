package memory

import (
	"maps"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// requests are the servers that a transport may ask, which are its peers, and the requests that wait for a reply. Its lock comes before
// those of the servers' mailboxes.
type requests struct {
	of *Transport

	mu      sync.Mutex
	ids     uint64 // of the last exchange
	turns   uint64 // counts attempts
	servers []*server
	pending map[uint64]*exchange // those with attempts that have no answer
}

// server is a peer that may be asked. requests.mu guards it.
type server struct {
	client   *client // what this transport is to it
	underway int     // attempts without an answer
	turn     uint64  // of the last attempt
}

// before reports whether s is to be asked rather than other: it has less to do, or somebody serves there, or its turn is longer ago.
func (s *server) before(other *server) bool {
	if s.underway != other.underway {
		return s.underway < other.underway
	}
	if here, there := s.client.serving.is.Load(), other.client.serving.is.Load(); here != there {
		return here
	}
	return s.turn < other.turn
}

// Exchange begins a request: see [transport.Requester]. The error is [ErrClosed].
func (t *Transport) Exchange(woken chan<- struct{}) (transport.Exchange, error) {
	if t.refusing.Load() {
		return nil, ErrClosed
	}
	r := &t.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids++
	return &exchange{requests: r, id: r.ids, woken: woken}, nil
}

// Servers counts the other transports of the network, whether Serve was called there or not: as long as it was not, requests wait there. Of
// servers that are equal otherwise, one where it was called is asked.
func (t *Transport) Servers() int {
	t.requests.mu.Lock()
	defer t.requests.mu.Unlock()
	return len(t.requests.servers)
}

// Unserved returns nothing: there is nothing to dial.
func (t *Transport) Unserved() []string { return nil }

func (r *requests) add(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = append(r.servers, s)
}

// lose takes a server out, and answers all attempts that it has not answered.
func (r *requests) lose(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = slices.DeleteFunc(r.servers, func(other *server) bool { return other == s })
	for _, id := range slices.Sorted(maps.Keys(r.pending)) { // in the same order each time
		r.pending[id].answer(s, transport.Answer{Err: transport.ErrLost})
	}
}

// reply hands a reply to who waits for it, if anybody does.
func (r *requests) reply(s *server, id uint64, m transport.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.pending[id]; e == nil || !e.answer(s, transport.Answer{Message: m}) {
		r.of.counts.late.Add(1)
	}
}
