package transporttest

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/fanfare-go/fanfare/transport"
)

// flushed is the sentence about all that Shutdown flushes.
const flushed = "what was published, asked, replied and given out is flushed to the peers, as is what was told of tasks, then the connections close."

func shutdownChecks() []check {
	return []check{
		{"Shutdown flushes what was published", flushed, flushes},
		{"Shutdown flushes to a peer that receives later", flushed, flushesToSlowPeer},
		{"nothing is published during Shutdown", "Shutdown stops taking part: nothing more is accepted or received", refusesDuringShutdown},
		{"Shutdown says what it could not flush", "What could not be flushed by the end of ctx is in the error, with the address of each peer. The transport has ended in every case.", saysWhatIsLost},
		{"peers are told of the end", "Publishers counts the connected peers", peersAreTold},
	}
}

func flushes(s *stage) {
	pub, a, b := s.open(), s.open(), s.open()
	s.subscribe(a, 2, "t")
	s.subscribe(b, 2, "t")
	for range window {
		s.publish(pub, message("t", "x", strings.Repeat("x", bulk)))
	}
	s.shutdown(pub)
	for _, sub := range []transport.Transport{a, b} {
		s.receive(sub, window)
	}
}

func flushesToSlowPeer(s *stage) {
	pub, sub := s.pair("t")
	s.fillPeer(pub, "t", nil)
	ended := newMailbox[error]()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	go func() { ended.put(pub.Shutdown(ctx)) }()
	s.receive(sub, int(pub.Stats().Sent))
	if err := next(s, ended, "Shutdown to return when the peer has received everything"); err != nil {
		s.failf("expected Shutdown to succeed, as the peer has received everything, but it returned: %v", err)
	}
}

// shuttingDown returns a transport whose Shutdown waits for a peer that does not receive, unless it has room for all.
func (s *stage) shuttingDown() (pub transport.Transport, ended <-chan struct{}, cancel func()) {
	pub, _ = s.pair("t")
	s.fillPeer(pub, "t", nil)
	ctx, cancel := observe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = pub.Shutdown(ctx) // what it could not flush is the peer's fault
	}()
	s.waits(ctx, over, "Shutdown")
	return pub, over, cancel
}

func refusesDuringShutdown(s *stage) {
	pub, ended, cancel := s.shuttingDown()
	defer cancel()
	var err error
	s.call("Publish, during Shutdown,", func() {
		for i := 0; i < enough && err == nil; i++ { // it may be refused a moment later
			err = pub.Publish(message("t", "late"))
		}
	})
	if !errors.Is(err, net.ErrClosed) {
		s.failf("expected Publish to return an error that matches net.ErrClosed during Shutdown, but it returned: %v", err)
	}
	s.must("Close", pub.Close)
	s.closes(ended, "Shutdown to return when Close was called")
}

// A driver may be able to flush to peers that do not receive, for it has room. Then nothing is lost; otherwise the error says so.
func saysWhatIsLost(s *stage) {
	pub := s.open()
	topics := []string{"a", "b"}
	var subs []transport.Transport
	for _, topic := range topics {
		sub := s.open()
		s.subscribe(sub, len(subs)+1, topic)
		subs = append(subs, sub)
	}
	var sent []uint64 // to each
	for _, topic := range topics {
		before := pub.Stats().Sent
		s.fillPeer(pub, topic, nil)
		sent = append(sent, pub.Stats().Sent-before)
	}
	addresses := map[string]bool{}
	for range subs {
		addresses[s.up(pub).Peer.Address] = true
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var err error
	s.call("Shutdown, whose context has ended,", func() { err = pub.Shutdown(ctx) })
	s.ended(pub)
	for e, more := s.event(pub, "Events, after the end,"); more; e, more = s.event(pub, "Events, after the end,") { // a peer may have several
		addresses[e.Peer.Address] = true
	}
	delete(addresses, "")
	if err == nil {
		for i, sub := range subs {
			s.receive(sub, int(sent[i]))
		}
		return
	}
	named, lacking := 0, 0
	for address := range addresses {
		named += strings.Count(err.Error(), address)
	}
	for i, sub := range subs {
		s.must("Close", sub.Close)
		if sub.Stats().Untaken < sent[i] {
			lacking++
		}
	}
	if named < lacking {
		s.failf("expected the error of Shutdown to have the address of each of the %d peers that do not have everything, but the addresses are %q, and the error is: %v",
			lacking, slices.Sorted(maps.Keys(addresses)), err)
	}
}

func peersAreTold(s *stage) {
	for _, end := range s.ends() {
		tr, peer := s.open(), s.open()
		s.subscribe(peer, 1, "t")
		s.ready(tr, 1)
		end(peer)
		s.ready(tr, 0)
		s.subscribers(tr, "t", 0)
		s.must("Close", tr.Close)
	}
}
