package request_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// fake is a transport that carries requests to functions of the test, and nothing else. It works in a synctest bubble.
type fake struct {
	changed change.Signal
	events  chan transport.Event
	over    context.Context
	end     context.CancelFunc
	closing sync.Once

	mu      sync.Mutex
	servers []*fakeServer
	pending map[uint64]*fakeExchange
	ids     uint64
	late    uint64
	server  transport.Server
}

func newFake() *fake {
	f := &fake{events: make(chan transport.Event), pending: map[uint64]*fakeExchange{}}
	f.over, f.end = context.WithCancel(context.Background())
	return f
}

func (f *fake) Publish(*transport.Message) error { return nil }
func (f *fake) Subscribe(string) error           { return nil }
func (f *fake) Unsubscribe(string) error         { return nil }
func (f *fake) Receive(ctx context.Context, _ []transport.Message) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-f.over.Done():
		return 0, net.ErrClosed
	}
}
func (f *fake) Changed() <-chan struct{}       { return f.changed.Next() }
func (f *fake) Pending() []string              { return nil }
func (f *fake) Publishers() int                { return 0 }
func (f *fake) Subscribers(string) int         { return 0 }
func (f *fake) Events() <-chan transport.Event { return f.events }
func (f *fake) Stats() transport.Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return transport.Stats{LateReplies: f.late}
}
func (f *fake) Shutdown(context.Context) error { return f.Close() }
func (f *fake) Close() error {
	f.closing.Do(func() {
		f.end()
		close(f.events)
		f.mu.Lock()
		servers := slices.Clone(f.servers)
		f.mu.Unlock()
		for _, s := range servers {
			s.kill()
		}
		f.changed.Tell()
	})
	return nil
}

func (f *fake) Serve(s transport.Server) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server = s
	return nil
}

func (f *fake) Servers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.servers)
}

func (f *fake) Unserved() []string {
	if f.Servers() > 0 {
		return nil
	}
	return []string{"fake://server: not connected yet"}
}

// fakeServer is a peer. serve is called with each request that is sent to it, without a lock.
type fakeServer struct {
	of    *fake
	serve func(*arrival)
	full  bool // it takes no request
}

// connect adds a server.
func (f *fake) connect(serve func(*arrival)) *fakeServer {
	s := &fakeServer{of: f, serve: serve}
	f.mu.Lock()
	f.servers = append(f.servers, s)
	f.mu.Unlock()
	f.changed.Tell()
	return s
}

// kill loses the connection to it.
func (s *fakeServer) kill() {
	f := s.of
	f.mu.Lock()
	f.servers = slices.DeleteFunc(f.servers, func(other *fakeServer) bool { return other == s })
	for _, e := range f.pending {
		for e.answerLocked(s, transport.Answer{Err: transport.ErrLost}) {
		}
	}
	f.mu.Unlock()
	f.changed.Tell()
}

// arrival is a request at a fakeServer.
type arrival struct {
	server     *fakeServer
	id         uint64
	message    transport.Message
	properties map[string]string
}

func (a *arrival) cancelled() bool { return a.properties["kind"] == "cancel" }

// reply answers with a payload.
func (a *arrival) reply(payload string) { a.answer(nil, payload) }

// fail answers with a failure.
func (a *arrival) fail(code, message string) {
	a.answer(envelope.AppendProperty(envelope.AppendProperty(nil, "status", code), "message", message), "")
}

func (a *arrival) answer(properties []byte, payload string) {
	f := a.server.of
	m := transport.Message{Topic: a.message.Topic, Envelope: makeEnvelope(uuid.UUID{9}, 0, properties), Payload: [][]byte{[]byte(payload)}}
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.pending[a.id]; e == nil || !e.answerLocked(a.server, transport.Answer{Message: m}) {
		f.late++
	}
}

func makeEnvelope(source uuid.UUID, seq uint64, properties []byte) []byte {
	return envelope.Append(nil, &envelope.Meta{Origin: &envelope.Origin{Source: source}, Seq: seq, Text: string(properties)})
}

// copyOf returns a copy of a message that was lent.
func copyOf(m *transport.Message) transport.Message {
	c := *m
	c.Envelope, c.Payload = slices.Clone(m.Envelope), nil
	for _, part := range m.Payload {
		c.Payload = append(c.Payload, slices.Clone(part))
	}
	return c
}

// fakeExchange is a request of the client under test.
type fakeExchange struct {
	of      *fake
	id      uint64
	woken   chan<- struct{}
	asked   []*fakeServer
	waiting []*fakeServer
	answers []transport.Answer
}

func (f *fake) Exchange(woken chan<- struct{}) (transport.Exchange, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over.Err() != nil {
		return nil, net.ErrClosed
	}
	f.ids++
	e := &fakeExchange{of: f, id: f.ids, woken: woken}
	f.pending[e.id] = e
	return e, nil
}

func (e *fakeExchange) ID() uint64 { return e.id }

func (e *fakeExchange) Send(m *transport.Message) error {
	e.of.mu.Lock()
	if len(e.of.servers) == 0 {
		e.of.mu.Unlock()
		return transport.ErrNoPeer
	}
	var to *fakeServer
	for _, s := range e.of.servers {
		if !s.full && (to == nil || slices.Contains(e.asked, to) && !slices.Contains(e.asked, s)) {
			to = s
		}
	}
	if to == nil {
		e.of.mu.Unlock()
		return transport.ErrFull
	}
	e.asked, e.waiting = append(e.asked, to), append(e.waiting, to)
	e.of.mu.Unlock()
	to.serve(newArrival(to, e.id, m))
	return nil
}

func newArrival(s *fakeServer, id uint64, m *transport.Message) *arrival {
	a := &arrival{server: s, id: id, message: copyOf(m), properties: map[string]string{}}
	if h, err := envelope.Parse(a.message.Envelope); err == nil {
		for name, value := range envelope.All(h.Properties) {
			a.properties[name] = value
		}
	}
	return a
}

func (e *fakeExchange) Unasked() (n int) {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	for _, s := range e.of.servers {
		if !slices.Contains(e.asked, s) {
			n++
		}
	}
	return n
}

func (e *fakeExchange) answerLocked(s *fakeServer, a transport.Answer) bool {
	i := slices.Index(e.waiting, s)
	if i < 0 {
		return false
	}
	e.waiting = slices.Delete(e.waiting, i, i+1)
	e.answers = append(e.answers, a)
	select {
	case e.woken <- struct{}{}:
	default:
	}
	return true
}

func (e *fakeExchange) Take() (a transport.Answer, ok bool) {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	if len(e.answers) == 0 {
		return a, false
	}
	a, e.answers = e.answers[0], e.answers[1:]
	return a, true
}

func (e *fakeExchange) End(cancel *transport.Message) {
	e.of.mu.Lock()
	delete(e.of.pending, e.id)
	waiting := e.waiting
	e.of.mu.Unlock()
	if cancel != nil {
		for _, s := range waiting {
			s.serve(newArrival(s, e.id, cancel))
		}
	}
}

// fakeRequest is a request that the test hands to the server under test. It keeps what it is answered with.
type fakeRequest struct {
	message transport.Message
	refuse  error                  // what the first Reply returns
	replies chan transport.Message // closed by Discard

	mu        sync.Mutex
	abandoned func(lost bool)
	cancelled bool
}

// ask hands the bus a request of another process.
func (f *fake) ask(t testing.TB, m transport.Message) *fakeRequest {
	t.Helper()
	r := &fakeRequest{message: m, replies: make(chan transport.Message, 1)}
	f.server.Request(r)
	return r
}

// call is the message of a request to a call.
func call(name string, id uint64, payload string, properties ...string) transport.Message {
	var text []byte
	for i := 0; i < len(properties); i += 2 {
		text = envelope.AppendProperty(text, properties[i], properties[i+1])
	}
	return transport.Message{Topic: name, Envelope: makeEnvelope(uuid.UUID{7}, id, text), Payload: [][]byte{[]byte(payload)}}
}

func (r *fakeRequest) Message() *transport.Message { return &r.message }
func (r *fakeRequest) Client() transport.Peer      { return transport.Peer{} }
func (r *fakeRequest) Arrived() time.Time          { return time.Now() }
func (r *fakeRequest) Discard()                    { close(r.replies) }

func (r *fakeRequest) OnAbandoned(f func(lost bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.abandoned = f
}

func (r *fakeRequest) Cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancelled = true
}

// abandon is what the transport does when the client gives up, or is gone.
func (r *fakeRequest) abandon(lost bool) {
	r.mu.Lock()
	f := r.abandoned
	r.mu.Unlock()
	f(lost)
}

func (r *fakeRequest) Reply(m *transport.Message) error {
	if err := r.refuse; err != nil {
		r.refuse = nil
		return err
	}
	r.replies <- copyOf(m)
	return nil
}

// outcome waits for the reply, and returns payload, status and message.
func (r *fakeRequest) outcome(t testing.TB) (payload, status, message string) {
	t.Helper()
	m, ok := <-r.replies
	if !ok {
		return "", "discarded", ""
	}
	if m.Envelope != nil {
		h, err := envelope.Parse(m.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		status, _ = envelope.Lookup(h.Properties, "status")
		message, _ = envelope.Lookup(h.Properties, "message")
	}
	return string(m.Payload[0]), status, message
}
