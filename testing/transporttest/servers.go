package transporttest

import (
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

func serverChecks() []check {
	const choice = "it hands m to a connected server, by preference to one that this exchange has not asked yet, and of those to the one with the fewest requests under way."
	return []check{
		{"each attempt goes to one server", choice, oneServerEach},
		{"a server that was not asked is preferred", choice, prefersUnasked},
		{"Unasked counts those that were not asked", "Unasked counts the connected servers that this exchange has not asked yet.", countsUnasked},
		{"the server with the fewest requests is preferred", choice, prefersFewest},
		{"a cancellation goes to all who owe an answer", "is sent to the servers that have not answered, if they are ours.", cancelsAll},
	}
}

// services opens a client, and two transports that serve it.
func (s *stage) services() (client transport.Transport, a, b server) {
	x, y, client := s.open(), s.open(), s.open()
	a, b = s.serve(x), s.serve(y)
	s.servers(client, 2)
	return client, a, b
}

// either returns the next request at either server, and the number of that.
func (s *stage) either(a, b server) (r transport.Request, at int) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if r, ok := a.take(); ok {
			return r, 0
		}
		if r, ok := b.take(); ok {
			return r, 1
		}
		select {
		case <-a.filled:
		case <-b.filled:
		case <-late.C:
			s.failf("expected a request to arrive at one of two servers, which has not happened after %v", patience)
		}
	}
}

func oneServerEach(s *stage) {
	client, a, b := s.services()
	const n = 20
	for i := range n {
		want := fmt.Sprint(i)
		e := s.ask(client, message("call", want))
		r, _ := s.either(a, b)
		if got := r.Message(); string(got.Payload[0]) != want {
			s.failf("expected the request %q to arrive at one server, and none before at another, but %s came", want, list([]transport.Message{*got}))
		}
		s.reply(r, "done")
		s.replied(e, "done")
		e.End(nil)
	}
	e := s.exchange(client)
	s.send(e, message("call", "end"))
	s.send(e, message("call", "end"))
	s.requested(a, "end") // and nothing that was left over
	s.requested(b, "end")
}

// underWay is a request that has arrived at a server.
type underWay struct {
	asked
	request transport.Request
}

// load makes n requests, and returns those that each server has.
func (s *stage) load(client transport.Transport, a, b server, n int) (at [2][]underWay) {
	for range n {
		e := s.ask(client, message("call", "x"))
		r, which := s.either(a, b)
		at[which] = append(at[which], underWay{e, r})
	}
	return at
}

// finish replies to requests.
func (s *stage) finish(all ...underWay) {
	for _, u := range all {
		s.reply(u.request, "done")
		s.replied(u.asked, "done")
	}
}

// The server that was not asked has more requests under way when the second attempt is made: for having few it would not be preferred.
func prefersUnasked(s *stage) {
	client, a, b := s.services()
	for range 4 {
		at := s.load(client, a, b, 4)
		e := s.ask(client, message("call", "first"))
		r, first := s.either(a, b)
		s.finish(at[first]...)
		s.send(e, message("call", "second"))
		again, second := s.either(a, b)
		if second == first {
			s.failf("expected the second attempt to go to the server that was not asked, which has %d requests under way, but it went to the one that was, which has 1", len(at[1-first]))
		}
		s.finish(at[second]...)
		s.finish(underWay{e, r}, underWay{e, again})
		e.End(nil)
	}
}

func countsUnasked(s *stage) {
	client, _, _ := s.services()
	e := s.exchange(client)
	for i, want := range []int{2, 1, 0} {
		if got := e.Unasked(); got != want {
			s.failf("expected Unasked to be %d after %d attempts at 2 servers, but it is %d", want, i, got)
		}
		s.send(e, message("call", "x"))
	}
}

func prefersFewest(s *stage) {
	client, a, b := s.services()
	at := s.load(client, a, b, 6)
	if len(at[0]) != 3 || len(at[1]) != 3 {
		s.failf("expected 6 requests without an answer to be shared evenly, but one server has %d and the other %d", len(at[0]), len(at[1]))
	}
	for which := range at {
		s.finish(at[which][:2]...) // after which it has fewer under way
		for range 2 {
			s.ask(client, message("call", "more"))
			if _, got := s.either(a, b); got != which {
				s.failf("expected a request to go to the server with the fewest under way, but it went to the other one")
			}
		}
	}
}

func cancelsAll(s *stage) {
	client, a, b := s.services()
	e := s.exchange(client)
	s.send(e, message("call", "x"))
	s.send(e, message("call", "x"))
	s.requested(a, "x")
	s.requested(b, "x")
	e.End(ending())
	s.cancelled(a)
	s.cancelled(b)
}
