package transporttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

func requestChecks() []check {
	return []check{
		{"a request arrives byte for byte", "it hands m to a connected server", requestArrives},
		{"Send copies what it needs", "It copies what it needs, as Publish does.", sendCopies},
		{"a plain request has no topic and no envelope", "The server gets m without topic and envelope if m.Plain is set or the server is not one of ours.", plainRequest},
		{"the number of a request is never used again", "from 1, and never the same again in this transport.", idsAreUnique},
		{"without a server Send returns ErrNoPeer", "the error is [ErrNoPeer], [ErrFull], or what is wrong with m.", noServer},
		{"what is wrong with a request is an error", "the error is [ErrNoPeer], [ErrFull], or what is wrong with m.", badRequest},
		{"requests wait for Serve", "Serve hands requests to s from now on; before that none is read.", requestsWait},
		{"there is one server", "There is one server: for another one the error is an [*InUseError].", oneServer},
		{"a server that waits holds back its client alone", "while it waits, nothing more is read from that client.", serverWaits},
		{"Send never waits", "It never waits: the error is [ErrNoPeer], [ErrFull], or what is wrong with m.", sendNeverWaits},
		{"Changed tells of room", "Changed tells of changes, and of room where there was none.", changedTellsOfRoom},
		{"Servers counts the connected peers", "Servers counts the connected peers that take requests.", countsServers},
		{"after the end requests return net.ErrClosed", "return an error that matches net.ErrClosed once the transport ends", requestsAfterEnd},
		{"requests may be made concurrently", "All methods may be called concurrently, and return an error", concurrentRequests},
	}
}

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

func requestArrives(s *stage) {
	client, _, requests := s.service()
	for what, m := range map[string]*transport.Message{
		"a request":                message("call", "payload"),
		"a request of empty parts": message("call", "", "", ""),
		"a request of many parts":  message("call", strings.Split(strings.Repeat("x", 99), "")...),
		"a request of 1 MiB":       message(strings.Repeat("c", 255), string(mebibyte())),
	} {
		before := time.Now()
		e := s.ask(client, m)
		r := s.request(requests)
		s.same(what, r.Message(), m)
		if at := r.Arrived(); at.Before(before) || at.After(time.Now()) {
			s.failf("expected Arrived to be when the request was read, between %v and %v, but it is %v", before, time.Now(), at)
		}
		if r.Client().Plain {
			s.failf("expected a client of the same kind not to be plain, but it is %+v", r.Client())
		}
		s.reply(r, "done")
		s.replied(e, "done")
		e.End(nil)
	}
}

func sendCopies(s *stage) {
	client, _, requests := s.service()
	for _, size := range []int{10, 20_000, 200_000} {
		for _, owned := range []bool{false, true} {
			m := message("call", "x", strings.Repeat("x", size))
			want := clone(m)
			m.Owned = owned
			e := s.ask(client, m)
			scribble(m)
			r := s.request(requests)
			s.same(fmt.Sprintf("a request with a part of %d bytes (Owned: %t), however the caller changes it after Send,", size, owned), r.Message(), want)
			s.reply(r, "done")
			s.replied(e, "done")
		}
	}
}

func plainRequest(s *stage) {
	client, _, requests := s.service()
	m := message("call", "a", "b")
	m.Plain = true
	e := s.ask(client, m)
	r := s.request(requests)
	s.same("a plain request", r.Message(), &transport.Message{Payload: [][]byte{[]byte("a"), []byte("b")}})
	s.reply(r, "reply")
	a := s.answer(e)
	if a.Err != nil {
		s.failf("expected a reply, but the answer has the error %v", a.Err)
	}
	s.same("the reply to a plain request, which is plain as well,", &a.Message, &transport.Message{Payload: [][]byte{[]byte("reply")}})
}

func idsAreUnique(s *stage) {
	tr := s.open()
	seen := map[uint64]bool{}
	var last []asked
	for i := range 100 {
		e := s.exchange(tr)
		if id := e.ID(); seen[id] || id == 0 {
			s.failf("expected a number from 1 that was not used before, but it is %d", id)
		}
		if i == 0 && e.ID() != 1 {
			s.failf("expected the first number to be 1, but it is %d", e.ID())
		}
		seen[e.ID()] = true
		if i%2 == 0 {
			e.End(nil)
		} else {
			last = append(last, e)
		}
	}
	for _, e := range last {
		e.End(nil)
	}
}

func noServer(s *stage) {
	alone := s.open()
	e := s.exchange(alone)
	var err error
	s.call("Send", func() { err = e.Send(message("call", "x")) })
	if !errors.Is(err, transport.ErrNoPeer) {
		s.failf("expected Send to return ErrNoPeer where there is no peer, but it returned: %v", err)
	}
	s.unanswered(e)
	if n, m := s.requester(alone).Servers(), e.Unasked(); n != 0 || m != 0 {
		s.failf("expected no servers where there is no peer, but Servers tells %d and Unasked %d", n, m)
	}
}

func badRequest(s *stage) {
	client, _, requests := s.service()
	e := s.exchange(client)
	for what, m := range map[string]*transport.Message{
		"a name of 256 bytes": message(strings.Repeat("c", 256), "x"),
		"no payload":          message("call"),
	} {
		var err error
		s.call("Send", func() { err = e.Send(m) })
		if err == nil || errors.Is(err, transport.ErrNoPeer) || errors.Is(err, transport.ErrFull) {
			s.failf("expected Send to say what is wrong with a request that has %s, but it returned: %v", what, err)
		}
	}
	s.send(e, message("call", "good"))
	s.reply(s.requested(requests, "good"), "done")
	s.replied(e, "done")
}

func requestsWait(s *stage) {
	serving, client := s.open(), s.open()
	e := s.ask(client, message("call", "early"))
	requests := s.serve(serving)
	s.reply(s.requested(requests, "early"), "done")
	s.replied(e, "done")
}

func oneServer(s *stage) {
	client, serving, requests := s.service()
	err := s.requester(serving).Serve(server{newMailbox[transport.Request]()})
	if used, ok := errors.AsType[*transport.InUseError](err); !ok || used.What == "" {
		s.failf("expected a second Serve to return an *InUseError, but it returned: %v", err)
	}
	s.ask(client, message("call", "x"))
	s.requested(requests, "x")
}

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

func serverWaits(s *stage) {
	w, release := s.waitingService()
	defer release()
	slow, quick := s.open(), s.open()
	s.askBoth(slow, message("a", "slow"))
	s.requested(w.server, "slow")
	s.askBoth(slow, message("a", "second"))
	s.askBoth(quick, message("b", "quick"))
	s.requested(w.server, "quick") // and not the second one of the other client
	release()
	s.requested(w.server, "second")
	s.alone(&w.turns)
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

func sendNeverWaits(s *stage) {
	w, release := s.waitingService()
	defer release()
	client := s.open()
	s.ask(client, message("call", "slow"))
	s.requested(w.server, "slow")
	sent := s.flood(client)
	release()
	for range sent {
		s.request(w.server)
	}
}

func changedTellsOfRoom(s *stage) {
	w, release := s.waitingService()
	defer release()
	client := s.open()
	s.ask(client, message("call", "slow"))
	s.requested(w.server, "slow")
	s.flood(client)
	e, changed := s.exchange(client), client.Changed()
	release()
	s.until(client, "that there is room, as the server takes requests again", func() bool { return e.Send(message("call", "after")) == nil })
	s.closes(changed, "Changed to tell of room")
}

// servers waits until so many servers are connected.
func (s *stage) servers(tr transport.Transport, n int) {
	s.until(tr, fmt.Sprintf("that Servers is %d", n), func() bool { return s.requester(tr).Servers() == n })
}

func countsServers(s *stage) {
	a, b, c := s.open(), s.open(), s.open()
	for _, tr := range []transport.Transport{a, b, c} {
		s.servers(tr, 2)
		if missing := s.requester(tr).Unserved(); len(missing) > 0 {
			s.failf("expected Unserved to be empty when all are connected, but it tells %q", missing)
		}
	}
	s.must("Close", c.Close)
	s.servers(a, 1)
	s.servers(b, 1)
}

func requestsAfterEnd(s *stage) {
	for _, end := range []func(transport.Transport){s.shutdown, func(tr transport.Transport) { s.must("Close", tr.Close) }} {
		tr := s.open()
		s.open()
		e := s.exchange(tr)
		end(tr)
		r := s.requester(tr)
		for name, do := range map[string]func() error{
			"Exchange": func() error {
				_, err := r.Exchange(make(chan struct{}, 1))
				return err
			},
			"Send":  func() error { return e.Send(message("call", "x")) },
			"Serve": func() error { return r.Serve(server{newMailbox[transport.Request]()}) },
		} {
			s.refuses(name, func(context.Context) error { return do() })
		}
		if n := r.Servers(); n != 0 {
			s.failf("expected nothing to report after the end, but Servers tells %d", n)
		}
	}
}

// echo is a transport.Server that replies with what was asked.
type echo struct{ failed *mailbox[error] }

func (e echo) Request(r transport.Request) {
	go func() { // a reply may come from any goroutine
		if err := r.Reply(&transport.Message{Topic: "call", Envelope: envelope(1), Payload: r.Message().Payload}); err != nil {
			e.failed.put(err)
		}
	}()
}

func concurrentRequests(s *stage) {
	const goroutines, each = 4, 50
	serving, client := s.open(), s.open()
	failed := newMailbox[error]()
	s.must("Serve", func() error { return s.requester(serving).Serve(echo{failed}) })
	requester := s.requester(client)
	s.call("many requests at the same time", func() {
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range each {
					if err := roundTrip(requester, fmt.Sprint(g, i)); err != nil {
						failed.put(err)
					}
				}
			})
		}
		all.Wait()
	})
	if err, any := failed.take(); any {
		s.failf("expected requests at the same time to be answered, each with its own reply, but: %v", err)
	}
}

// roundTrip makes a request, and checks that the reply is the same.
func roundTrip(r transport.Requester, payload string) error {
	woken := make(chan struct{}, 1)
	e, err := r.Exchange(woken)
	if err != nil {
		return err
	}
	defer e.End(nil)
	if err := e.Send(message("call", payload)); err != nil {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if a, ok := e.Take(); ok {
			if a.Err != nil || string(a.Message.Payload[0]) != payload {
				return fmt.Errorf("the answer to %q is %s, and its error %w", payload, list([]transport.Message{a.Message}), a.Err)
			}
			return nil
		}
		select {
		case <-woken:
		case <-late.C:
			return fmt.Errorf("there is no answer to %q", payload)
		}
	}
}
