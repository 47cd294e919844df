package transporttest

import (
	"context"
	"strings"

	"github.com/fanfare-go/fanfare/transport"
)

func shutdownChecks() []check {
	return []check{
		{"Shutdown flushes what was published", "what was published is flushed to the peers, then the connections close.", flushes},
		{"Shutdown flushes to a peer that receives later", "what was published is flushed to the peers, then the connections close.", flushesToSlowPeer},
		{"Shutdown says what it could not flush", "What could not be flushed by the end of ctx is in the error, a line for each peer.", saysWhatIsLost},
		{"peers are told of the end", "Publishers counts the connected peers", peersAreTold},
	}
}

func flushes(s *stage) {
	pub, a, b := s.open(), s.open(), s.open()
	s.subscribe(a, 2, "t")
	s.subscribe(b, 2, "t")
	const n = 300
	for range n {
		s.publish(pub, message("t", "x", strings.Repeat("x", 2000)))
	}
	s.shutdown(pub)
	for _, sub := range []transport.Transport{a, b} {
		s.receive(sub, n)
	}
}

func flushesToSlowPeer(s *stage) {
	pub, sub := s.pair("t")
	s.fill(pub, "t")
	ended := newMailbox[error]()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	go func() { ended.put(pub.Shutdown(ctx)) }()
	s.receive(sub, int(pub.Stats().Sent))
	if err := next(s, ended, "Shutdown to return when the peer has received everything"); err != nil {
		s.failf("expected Shutdown to succeed, as the peer has received everything, but it returned: %v", err)
	}
}

// A driver may be able to flush to a peer that does not receive, for it has room. Then nothing is lost; otherwise the error says so.
func saysWhatIsLost(s *stage) {
	pub, sub := s.pair("t")
	s.fill(pub, "t")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var err error
	s.call("Shutdown, whose context has ended,", func() { err = pub.Shutdown(ctx) })
	if err == nil {
		s.receive(sub, int(pub.Stats().Sent))
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
