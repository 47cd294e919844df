package zmq

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// requests is the DEALER: the servers that are connected, and the requests that wait for a reply.
//
// Its lock is held while an attempt is noted or answered, never while a message is sent.
type requests struct {
	of     *Transport
	socket *socket.Custom
	ended  sync.Pool     // of *exchange
	late   atomic.Uint64 // replies that nobody waits for
	ids    atomic.Uint64 // of the last exchange

	mu      sync.Mutex
	servers []*server
	turns   uint64 // counts attempts
	pending map[uint64]*exchange
}

// server is a connected server. It is the session of its connection.
type server struct {
	requests *requests
	conn     *socket.Connection
	plain    bool // it knows no envelope

	// Guarded by requests.mu.
	underway int    // attempts without an answer
	turn     uint64 // of the last attempt
}

// before reports whether s is to be asked rather than other: it has less to do, or its turn is longer ago.
func (s *server) before(other *server) bool {
	return s.underway < other.underway || s.underway == other.underway && s.turn < other.turn
}

func (r *requests) open(t *Transport, o *socket.Options) {
	r.of, r.pending = t, make(map[uint64]*exchange)
	r.socket = socket.NewCustom(zmq4.Dealer, r, o)
}

// Connected adds a server.
func (r *requests) Connected(c *socket.Connection) socket.Session {
	s := &server{requests: r, conn: c, plain: !c.Own()}
	r.mu.Lock()
	r.servers = append(r.servers, s)
	r.mu.Unlock()
	return s
}

// Messages hands replies to those who wait for them: with one lock for all that have come, since it is that of all requests.
func (s *server) Messages(batch [][][]byte) {
	r := s.requests
	late := 0
	r.mu.Lock()
	for _, frames := range batch {
		id, m, ok := parseReply(frames)
		if e := r.pending[id]; !ok || e == nil || !e.answer(s, transport.Answer{Message: m}) {
			late++
		}
	}
	r.mu.Unlock()
	if late > 0 {
		r.late.Add(uint64(late))
	}
}

// Command ignores what no version of the protocol has told yet.
func (s *server) Command(string, []byte) {}

// Written tells those who found no room that there may be some.
func (s *server) Written() { s.requests.of.changed.Tell() }

// Closed answers all attempts that the server has not answered.
func (s *server) Closed(error) {
	r := s.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = slices.DeleteFunc(r.servers, func(other *server) bool { return other == s })
	for _, e := range r.pending {
		e.answer(s, transport.Answer{Err: transport.ErrLost})
	}
}

// parseReply returns the id and the rest of [id] [] [call] [envelope] [payload…] or [id] [] [payload…].
func parseReply(frames [][]byte) (id uint64, m transport.Message, ok bool) {
	if len(frames) < 2 || len(frames[0]) != 8 || len(frames[1]) != 0 {
		return 0, m, false
	}
	return binary.BigEndian.Uint64(frames[0]), parseBody(frames[2:]), true
}

// parseBody tells an enveloped body from a plain one. No frames are an empty payload.
func parseBody(body [][]byte) (m transport.Message) {
	switch {
	case len(body) >= 2 && envelope.Is(body[1]):
		m.Topic, m.Envelope, m.Payload = view(body[0]), body[1], body[2:] // none at the end of a request
	default:
		m.Payload = body
	}
	if len(m.Payload) == 0 {
		m.Payload = [][]byte{{}}
	}
	return m
}

// Exchange begins a request: see [transport.Requester]. The error is [ErrClosed].
func (t *Transport) Exchange(woken chan<- struct{}) (transport.Exchange, error) {
	if t.refusing.Load() {
		return nil, ErrClosed
	}
	r := &t.requests
	e, _ := r.ended.Get().(*exchange)
	if e == nil {
		e = &exchange{requests: r}
	}
	e.woken = woken
	e.id = r.ids.Add(1)
	return e, nil
}

// Servers counts the connected ROUTER and REP peers.
func (t *Transport) Servers() int {
	t.requests.mu.Lock()
	defer t.requests.mu.Unlock()
	return len(t.requests.servers)
}

// Unserved lists the endpoints of Options.Request that are dialled and have no connection.
func (t *Transport) Unserved() []string { return t.requests.socket.Unconnected() }
