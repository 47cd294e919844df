package transporttest

import (
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// waitingServer is a transport.Server that waits with a request whose payload is "slow" until it is let go, and notes how many calls there
// are at once for each topic: the clients of a check have one each.
type waitingServer struct {
	server
	gate  chan struct{}
	turns turns
}

func (w *waitingServer) Request(r transport.Request) {
	defer w.turns.enter(r.Message().Topic)()
	w.put(r)
	if string(r.Message().Payload[0]) == "slow" {
		<-w.gate
	}
}

// waitingService opens a transport that is served by a waitingServer. release lets that go.
func (s *stage) waitingService() (w *waitingServer, release func()) {
	serving := s.open()
	w = &waitingServer{server: server{newMailbox[transport.Request]()}, gate: make(chan struct{})}
	s.must("Serve", func() error { return s.requester(serving).Serve(w) })
	return w, sync.OnceFunc(func() { close(w.gate) })
}
