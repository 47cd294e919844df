package transporttest

import (
	"errors"

	"github.com/fanfare-go/fanfare/transport"
)

// bulk is how many bytes a message of fill has, and enough how many such messages are taken for no bound: 200 MB.
const bulk, enough = 20_000, 10_000

// fill makes messages of many bytes, and has them sent until there is no room, which is to be seen by what is wanted then. It returns how
// many there were, with the last one.
func (s *stage) fill(topic, wanted string, send func(m *transport.Message) (full bool)) (n int) {
	payload := make([]byte, bulk) // shared by all, so that no bound costs little
	for n < enough {
		n++
		if send(&transport.Message{Topic: topic, Envelope: envelope(uint64(n)), Payload: [][]byte{payload}, Owned: true}) {
			return n
		}
	}
	s.failf("expected %s, which has not happened after %d messages of %d bytes", wanted, n, bulk)
	return n
}

// fillPeer publishes until a message is dropped, and returns how many were published. The peer must not receive, whereas others may, by way
// of after, which is called after each message.
func (s *stage) fillPeer(tr transport.Transport, topic string, after func(m *transport.Message)) (published int) {
	before := tr.Stats().Dropped
	const wanted = "messages to be dropped and counted for a peer that does not receive"
	return s.fill(topic, wanted, func(m *transport.Message) (full bool) {
		s.must("Publish, with a peer that does not receive,", func() error { return tr.Publish(m) })
		if after != nil {
			after(m)
		}
		return tr.Stats().Dropped > before
	})
}

// fillServer asks until there is no room, and returns how many requests were sent. The server must not take them.
func (s *stage) fillServer(tr transport.Transport) (sent int) {
	requester := s.requester(tr)
	return s.fill("call", "Send to return ErrFull for a server that takes nothing", func(m *transport.Message) (full bool) {
		return s.refused("Send, to a server that takes nothing,", func() error {
			e, err := requester.Exchange(make(chan struct{}, 1))
			if err == nil {
				err = e.Send(m)
			}
			return err
		})
	}) - 1
}

// fillWorker gives tasks until there is no room, and returns how many were given. The sink must not take them.
func (s *stage) fillWorker(w transport.TaskWorker) (sent int) {
	return s.fill("task", "Send to return ErrFull for a worker that takes nothing", func(m *transport.Message) (full bool) {
		return s.refused("Send, to a worker that takes nothing,", func() error {
			_, err := w.Send(m)
			return err
		})
	}) - 1
}

// refused is must for what may find no room, and reports whether it did.
func (s *stage) refused(what string, f func() error) (full bool) {
	s.must(what, func() error {
		err := f()
		if full = errors.Is(err, transport.ErrFull); full {
			return nil
		}
		return err
	})
	return full
}
