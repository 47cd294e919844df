package transporttest

import "github.com/fanfare-go/fanfare/transport"

func abandonChecks() []check {
	const told = "OnAbandoned has f called when the client cancels the request, or when its connection is lost, unless there was a reply before."
	return []check{
		{"a cancellation reaches the server", "is sent to the servers that have not answered, if they are ours. It may have no payload: then it arrives without one, or with one empty part.", cancelReaches},
		{"who has answered is not told of a cancellation", "is sent to the servers that have not answered", cancelSparesAnswered},
		{"Cancel abandons the request", "that of the same client with the same number counts as cancelled.", cancelAbandons},
		{"a lost connection abandons its requests", told, lossAbandons},
		{"what was answered is not abandoned", told, answeredIsNotAbandoned},
		{"OnAbandoned replaces what it was given", "f replaces the one before; it must be quick.", abandonedIsReplaced},
		{"a loss before OnAbandoned is not missed", "What happens before Server.Request has returned is not missed if OnAbandoned is called there.", earlyLoss},
	}
}

// cancellation is the number in the envelope of ending: no other message has it.
const cancellation = 1 << 40

// ending is the message that ends a request. It has no payload, as that of the bus has none.
func ending() *transport.Message { return numbered("call", cancellation) }

// cancelled returns the next request, which must be an ending.
func (s *stage) cancelled(r server) transport.Request {
	req := s.request(r)
	m := req.Message()
	if number(m.Envelope) != cancellation {
		s.failf("expected what ends a request, but %s arrived", list([]transport.Message{*m}))
	}
	got := *m
	if len(got.Payload) == 1 && len(got.Payload[0]) == 0 { // drivers may need a part
		got.Payload = nil
	}
	s.same("what ends a request", &got, ending())
	return req
}

func cancelReaches(s *stage) {
	client, _, requests := s.service()
	e := s.ask(client, message("call", "x"))
	s.requested(requests, "x")
	e.End(ending())
	s.cancelled(requests)
}

func cancelSparesAnswered(s *stage) {
	client, _, requests := s.service()
	e := s.ask(client, message("call", "x"))
	s.reply(s.requested(requests, "x"), "reply")
	s.replied(e, "reply")
	e.End(ending())
	silent := s.ask(client, message("call", "y"))
	s.requested(requests, "y")
	silent.End(nil)
	s.ask(client, message("call", "z"))
	s.requested(requests, "z")
}

func cancelAbandons(s *stage) {
	client, _, requests := s.service()
	e, other := s.ask(client, message("call", "x")), s.exchange(client)
	told, notTold := newMailbox[bool](), newMailbox[bool]()
	s.requested(requests, "x").OnAbandoned(told.put)
	s.send(other, message("call", "other"))
	r := s.requested(requests, "other")
	r.OnAbandoned(notTold.put)
	e.End(ending())
	s.cancelled(requests).Cancel()
	if lost := next(s, told, "OnAbandoned to be called when the client has cancelled"); lost {
		s.failf("expected OnAbandoned to tell of a cancellation, but it tells that the connection is lost")
	}
	s.reply(r, "reply")
	s.replied(other, "reply")
	if _, any := notTold.take(); any {
		s.failf("expected the other request of the client not to be abandoned, but it was")
	}
}

func lossAbandons(s *stage) {
	client, _, requests := s.service()
	for range 3 {
		s.ask(client, message("call", "x"))
	}
	told := newMailbox[bool]()
	for range 3 {
		s.requested(requests, "x").OnAbandoned(told.put)
	}
	s.must("Close", client.Close)
	for range 3 {
		if lost := next(s, told, "OnAbandoned of each request to be called when the connection is lost"); !lost {
			s.failf("expected OnAbandoned to tell that the connection is lost, but it tells of a cancellation")
		}
	}
}

func answeredIsNotAbandoned(s *stage) {
	client, serving, requests := s.service()
	answered, open := newMailbox[bool](), newMailbox[bool]()
	e := s.ask(client, message("call", "answered"))
	r := s.requested(requests, "answered")
	r.OnAbandoned(answered.put)
	s.reply(r, "reply")
	s.replied(e, "reply")
	s.ask(client, message("call", "open"))
	s.requested(requests, "open").OnAbandoned(open.put)
	s.must("Close", client.Close)
	next(s, open, "OnAbandoned to be called when the connection is lost")
	s.must("Close", serving.Close) // after which nothing is told any more
	if _, any := answered.take(); any {
		s.failf("expected a request with a reply not to be abandoned, but it was")
	}
}

func abandonedIsReplaced(s *stage) {
	client, serving, requests := s.service()
	s.ask(client, message("call", "x"))
	r := s.requested(requests, "x")
	first, second := newMailbox[bool](), newMailbox[bool]()
	r.OnAbandoned(first.put)
	r.OnAbandoned(second.put)
	s.must("Close", client.Close)
	next(s, second, "the second function of OnAbandoned to be called when the connection is lost")
	s.must("Close", serving.Close)
	if _, any := first.take(); any {
		s.failf("expected the second OnAbandoned to replace the first, but that was called as well")
	}
}

// lateWatcher is a transport.Server that calls OnAbandoned when it is let go.
type lateWatcher struct {
	server
	gate <-chan struct{}
	told *mailbox[bool]
}

func (l lateWatcher) Request(r transport.Request) {
	l.put(r)
	<-l.gate
	r.OnAbandoned(l.told.put)
}

func earlyLoss(s *stage) {
	serving, client := s.open(), s.open()
	gate := make(chan struct{})
	l := lateWatcher{server{newMailbox[transport.Request]()}, gate, newMailbox[bool]()}
	s.must("Serve", func() error { return s.requester(serving).Serve(l) })
	func() {
		defer close(gate)
		s.ask(client, message("call", "x"))
		s.request(l.server)
		s.must("Close", client.Close)
	}()
	if lost := next(s, l.told, "OnAbandoned to be called, as the connection was lost before Request returned"); !lost {
		s.failf("expected OnAbandoned to tell that the connection is lost, but it tells of a cancellation")
	}
}
