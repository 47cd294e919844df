package transporttest

import (
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

func (s *stage) requester(tr transport.Transport) transport.Requester {
	r, ok := tr.(transport.Requester)
	if !ok {
		s.failf("expected a transport.Requester, but a %T is none", tr)
	}
	return r
}

// asked is an exchange, with the channel that wakes who asked.
type asked struct {
	transport.Exchange
	woken chan struct{}
}

func (s *stage) exchange(tr transport.Transport) asked {
	e := asked{woken: make(chan struct{}, 1)}
	s.must("Exchange", func() (err error) {
		e.Exchange, err = s.requester(tr).Exchange(e.woken)
		return err
	})
	return e
}

// ask begins an exchange with one attempt.
func (s *stage) ask(tr transport.Transport, m *transport.Message) asked {
	e := s.exchange(tr)
	s.send(e, m)
	return e
}

// askBoth is ask with an attempt at each of two servers.
func (s *stage) askBoth(tr transport.Transport, m *transport.Message) asked {
	e := s.ask(tr, m)
	s.send(e, m)
	return e
}

func (s *stage) send(e asked, m *transport.Message) {
	s.must("Send", func() error { return e.Send(m) })
}

// answer returns the next answer.
func (s *stage) answer(e asked) transport.Answer {
	for {
		if a, ok := e.Take(); ok {
			return a
		}
		s.closes(e.woken, "woken to get a token, as there is an answer")
	}
}

// replied checks that the next answer is a reply with that payload.
func (s *stage) replied(e asked, want string) {
	a := s.answer(e)
	if a.Err != nil || len(a.Message.Payload) != 1 || string(a.Message.Payload[0]) != want {
		s.failf("expected the reply %q, but the answer is %s, and its error %v", want, list([]transport.Message{a.Message}), a.Err)
	}
}

// lost checks that the next answer is that there is none.
func (s *stage) lost(e asked) {
	if a := s.answer(e); !errors.Is(a.Err, transport.ErrLost) {
		s.failf("expected an answer with ErrLost, but it is %s, and its error %v", list([]transport.Message{a.Message}), a.Err)
	}
}

// unanswered checks that there is no answer.
func (s *stage) unanswered(e asked) {
	if a, ok := e.Take(); ok {
		s.failf("expected no answer any more, but there is %s, and its error %v", list([]transport.Message{a.Message}), a.Err)
	}
}

// server is a transport.Server that keeps requests for the check.
type server struct{ *mailbox[transport.Request] }

func (r server) Request(req transport.Request) { r.put(req) }

func (s *stage) serve(tr transport.Transport) server {
	r := server{newMailbox[transport.Request]()}
	s.must("Serve", func() error { return s.requester(tr).Serve(r) })
	return r
}

// request returns the next request.
func (s *stage) request(r server) transport.Request {
	return next(s, r.mailbox, "a request to arrive at the server")
}

// requested is request for one with that payload.
func (s *stage) requested(r server, want string) transport.Request {
	req := s.request(r)
	if m := req.Message(); len(m.Payload) != 1 || string(m.Payload[0]) != want {
		s.failf("expected the request %q, but %s arrived", want, list([]transport.Message{*m}))
	}
	return req
}

func (s *stage) reply(r transport.Request, payload string) {
	s.must("Reply", func() error { return r.Reply(message("call", payload)) })
}

// service opens a client, and a transport that serves it.
func (s *stage) service() (client, serving transport.Transport, requests server) {
	serving, client = s.open(), s.open()
	return client, serving, s.serve(serving)
}

// servers waits until so many servers are connected.
func (s *stage) servers(tr transport.Transport, n int) {
	s.until(tr, fmt.Sprintf("that Servers is %d", n), func() bool { return s.requester(tr).Servers() == n })
}
