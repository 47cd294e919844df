package transporttest

import (
	"errors"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// waitingServer is a transport.Server that waits with a request whose payload is "slow" until it is let go, and notes how many calls there are
// at once for each topic: the clients of a check have one each.
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

// flood asks, with a request of many bytes each, until there is no room, and returns how many were sent. The server must not take them.
func (s *stage) flood(tr transport.Transport) (sent int) {
	payload := make([]byte, bulk)
	requester := s.requester(tr)
	full := false
	s.must("Send, to a server that takes nothing,", func() error {
		for sent < enough {
			e, err := requester.Exchange(make(chan struct{}, 1))
			if err == nil {
				err = e.Send(&transport.Message{Topic: "call", Envelope: envelope(1), Payload: [][]byte{payload}, Owned: true})
			}
			if full = errors.Is(err, transport.ErrFull); full || err != nil {
				if full {
					return nil
				}
				return err
			}
			sent++
		}
		return nil
	})
	if !full {
		s.failf("expected Send to return ErrFull for a server that takes nothing, but it took %d requests of %d bytes", sent, bulk)
	}
	return sent
}
