package transporttest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

func answerChecks() []check {
	return []check{
		{"a reply arrives byte for byte", "Message is the reply, which belongs to the receiver, as one from Receive does.", replyArrives},
		{"Reply copies what it needs", "It copies what it needs, as Publish does.", replyCopies},
		{"a second reply is an error", "After one that was taken, and after Discard, each further one is an error.", secondReply},
		{"an attempt has one answer", "Each attempt has one at most.", oneAnswer},
		{"a request is answered once, whoever is first", "Reply answers it, once, in the form in which the request came", firstReplyWins},
		{"a reply that is wrong may be given again", "what is wrong with m, such as its size: then another reply may be given.", wrongReply},
		{"attempts at a server that is gone are lost", "Err is [ErrLost] when there is no reply because the connection has ended.", serverGone},
		{"attempts of a transport that ends are lost", "then every attempt without an answer gets [ErrLost].", clientEnds},
		{"late replies are counted", "Replies that come later are dropped and counted.", lateReplies},
		{"what is discarded is counted", "Discard ends it without a reply, which is counted.", discarded},
		{"a reply to a client that is gone is ErrLost", "The error is [ErrLost], which is counted", replyToNobody},
		{"Shutdown flushes replies", flushed, flushesReplies},
	}
}

func replyArrives(s *stage) {
	client, _, requests := s.service()
	for what, m := range map[string]*transport.Message{
		"a reply":                message("call", "payload"),
		"a reply of empty parts": message("call", "", "", ""),
		"a reply of 1 MiB":       message(strings.Repeat("c", 255), "small", string(mebibyte())),
	} {
		e := s.ask(client, message("call", "x"))
		r := s.request(requests)
		s.must("Reply", func() error { return r.Reply(m) })
		a := s.answer(e)
		if a.Err != nil {
			s.failf("expected a reply, but the answer has the error %v", a.Err)
		}
		s.same(what, &a.Message, m)
	}
}

func replyCopies(s *stage) {
	client, _, requests := s.service()
	for _, size := range []int{10, 20_000, 200_000} {
		for _, owned := range []bool{false, true} {
			e := s.ask(client, message("call", "x"))
			m := message("call", "x", strings.Repeat("x", size))
			m.Envelope = padded(m.Envelope, size)
			want := clone(m)
			m.Owned = owned
			r := s.request(requests)
			s.must("Reply", func() error { return r.Reply(m) })
			scribble(m)
			a := s.answer(e)
			s.same(fmt.Sprintf("a reply with a part of %d bytes (Owned: %t), however the server changes it after Reply,", size, owned), &a.Message, want)
		}
	}
}

func oneAnswer(s *stage) {
	client, _, requests := s.service()
	e := s.exchange(client)
	s.send(e, message("call", "first"))
	first := s.requested(requests, "first")
	s.reply(first, "reply")
	_ = first.Reply(message("call", "again")) // must not be one
	first.Discard()
	s.replied(e, "reply")
	s.send(e, message("call", "second"))
	s.reply(s.requested(requests, "second"), "second reply")
	s.replied(e, "second reply")
	s.unanswered(e)
}

func secondReply(s *stage) {
	client, _, requests := s.service()
	for what, end := range map[string]func(r transport.Request){
		"a reply": func(r transport.Request) { s.reply(r, "reply") },
		"Discard": transport.Request.Discard,
	} {
		s.ask(client, message("call", "x"))
		r := s.requested(requests, "x")
		end(r)
		var err error
		s.call("Reply", func() { err = r.Reply(message("call", "again")) })
		if err == nil {
			s.failf("expected Reply after %s to return an error, but it returned none", what)
		}
	}
}

func firstReplyWins(s *stage) {
	client, _, requests := s.service()
	e := s.ask(client, message("call", "x"))
	r := s.requested(requests, "x")
	const goroutines = 4
	var won atomic.Int32
	s.call("Reply, from several goroutines,", func() {
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				if r.Reply(message("call", "reply")) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
	})
	if n := won.Load(); n != 1 {
		s.failf("expected one of %d replies to the same request to succeed, but %d did", goroutines, n)
	}
	s.replied(e, "reply")
	s.settled(client, requests)
	s.unanswered(e)
}

func wrongReply(s *stage) {
	client, _, requests := s.service()
	e := s.ask(client, message("call", "x"))
	r := s.request(requests)
	for what, m := range map[string]*transport.Message{
		"a name of 256 bytes": message(strings.Repeat("c", 256), "x"),
		"no payload":          message("call"),
	} {
		var err error
		s.call("Reply", func() { err = r.Reply(m) })
		if err == nil || errors.Is(err, transport.ErrLost) {
			s.failf("expected Reply to say what is wrong with a reply that has %s, but it returned: %v", what, err)
		}
	}
	s.reply(r, "good")
	s.replied(e, "good")
}

func serverGone(s *stage) {
	client, serving, requests := s.service()
	answered, twice, other := s.ask(client, message("call", "answered")), s.exchange(client), s.exchange(client)
	s.send(twice, message("call", "twice"))
	s.send(twice, message("call", "twice"))
	s.send(other, message("call", "other"))
	for range 4 {
		if r := s.request(requests); string(r.Message().Payload[0]) == "answered" {
			s.reply(r, "reply")
		}
	}
	s.replied(answered, "reply")
	s.must("Close", serving.Close)
	s.lost(twice)
	s.lost(twice)
	s.lost(other)
	s.servers(client, 0)
	for _, e := range []asked{answered, twice, other} {
		s.unanswered(e)
		e.End(nil)
	}
	s.must("Close", client.Close)
}

func clientEnds(s *stage) {
	for _, end := range s.ends() {
		client, serving, requests := s.service()
		e := s.ask(client, message("call", "x"))
		s.request(requests)
		end(client)
		s.lost(e)
		s.unanswered(e)
		e.End(nil)
		s.must("Close", serving.Close)
	}
}

// settled makes sure that what a server has replied so far was seen by the client: two requests and replies follow it, one after the other.
func (s *stage) settled(client transport.Transport, requests server) {
	for range 2 {
		e := s.ask(client, message("call", "settled"))
		s.reply(s.requested(requests, "settled"), "settled")
		s.replied(e, "settled")
		e.End(nil)
	}
}

func lateReplies(s *stage) {
	client, _, requests := s.service()
	const n = 3
	var late []transport.Request
	for range n {
		e := s.ask(client, message("call", "late"))
		late = append(late, s.requested(requests, "late"))
		e.End(nil)
	}
	for _, r := range late {
		s.reply(r, "too late")
	}
	s.settled(client, requests)
	if stats := client.Stats(); stats.LateReplies != n {
		s.failf("expected %d late replies to be counted, but Stats are %+v", n, stats)
	}
}

func discarded(s *stage) {
	client, serving, requests := s.service()
	e := s.ask(client, message("call", "x"))
	s.requested(requests, "x").Discard()
	s.settled(client, requests)
	s.unanswered(e)
	if stats := serving.Stats(); stats.RepliesDropped != 1 {
		s.failf("expected a request without a reply to be counted, but Stats are %+v", stats)
	}
}

func replyToNobody(s *stage) {
	client, serving, requests := s.service()
	s.ask(client, message("call", "x"))
	r := s.request(requests)
	gone := newMailbox[bool]()
	r.OnAbandoned(gone.put)
	s.must("Close", client.Close)
	if lost := next(s, gone, "OnAbandoned to be called when the connection is lost"); !lost {
		s.failf("expected OnAbandoned to tell that the connection is lost, but it tells of a cancellation")
	}
	var err error
	s.call("Reply", func() { err = r.Reply(message("call", "reply")) })
	if !errors.Is(err, transport.ErrLost) {
		s.failf("expected Reply to return ErrLost when the client is gone, but it returned: %v", err)
	}
	if stats := serving.Stats(); stats.RepliesDropped != 1 {
		s.failf("expected a reply that nobody gets to be counted, but Stats are %+v", stats)
	}
}

func flushesReplies(s *stage) {
	client, serving, requests := s.service()
	var all []asked
	for range window {
		all = append(all, s.ask(client, message("call", "x")))
	}
	for range window {
		s.reply(s.request(requests), "reply")
	}
	s.shutdown(serving)
	for _, e := range all {
		s.replied(e, "reply")
	}
}
