package transporttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
			m.Envelope = padded(m.Envelope, size)
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

func sendNeverWaits(s *stage) {
	w, release := s.waitingService()
	defer release()
	client := s.open()
	s.ask(client, message("call", "slow"))
	s.requested(w.server, "slow")
	sent := s.fillServer(client)
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
	s.fillServer(client)
	e, changed := s.exchange(client), client.Changed()
	release()
	s.until(client, "that there is room, as the server takes requests again", func() bool { return e.Send(message("call", "after")) == nil })
	s.closes(changed, "Changed to tell of room")
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
	for _, end := range s.ends() {
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
