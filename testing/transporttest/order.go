package transporttest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

func orderChecks() []check {
	const sentence = "Messages published one after the other reach each peer in that order."
	return []check{
		{"messages of one publisher arrive in order", sentence, ordered},
		{"messages of any size and kind arrive in order", sentence, orderedSizes},
		{"messages for several prefixes arrive in order", sentence, orderedPrefixes},
	}
}

// Two publish at the same time to two, which see each in order.
func ordered(s *stage) {
	const rounds, each = 20, window / 2 // of both together as many as may wait
	publishers := []transport.Transport{s.open(), s.open()}
	subscribers := []transport.Transport{s.open(), s.open()}
	for _, sub := range subscribers {
		s.subscribe(sub, 3, "")
	}
	after := []map[string]int{{}, {}} // what each subscriber is to receive next, by publisher
	for round := range rounds {
		errs := make([]error, len(publishers))
		s.call("Publish", func() {
			var all sync.WaitGroup
			for p, pub := range publishers {
				all.Go(func() {
					for i := round * each; i < (round+1)*each && errs[p] == nil; i++ {
						errs[p] = pub.Publish(message(fmt.Sprint(p), fmt.Sprint(i)))
					}
				})
			}
			all.Wait()
		})
		if err := errors.Join(errs...); err != nil {
			s.failf("expected Publish to succeed, but it returned: %v", err)
		}
		for i, sub := range subscribers {
			for _, m := range s.receive(sub, each*len(publishers)) {
				if got := string(m.Payload[0]); got != fmt.Sprint(after[i][m.Topic]) {
					s.failf("expected message %d of publisher %s, but message %s came", after[i][m.Topic], m.Topic, got)
				}
				after[i][m.Topic]++
			}
		}
	}
}

func orderedSizes(s *stage) {
	pub, sub := s.pair("t")
	large := strings.Repeat("x", 100_000)
	var wants []*transport.Message
	for i := range 3 * window {
		m := numbered("t", uint64(i), fmt.Sprint(i))
		if i%3 == 0 {
			m.Payload = append(m.Payload, []byte(large))
		}
		want := clone(m)
		m.Owned = i%2 == 0
		if m.Plain = i%5 == 0; m.Plain {
			want.Envelope = nil
		}
		wants = append(wants, want)
		s.publish(pub, m)
		wants = s.inWindows(sub, wants)
	}
}

func orderedPrefixes(s *stage) {
	pub, sub := s.pair("a", "b", "c")
	var wants []*transport.Message
	for i := range 10 * window {
		m := numbered(string("abc"[i%3]), uint64(i), fmt.Sprint(i))
		wants = append(wants, m)
		s.publish(pub, m)
		wants = s.inWindows(sub, wants)
	}
}

// inWindows is inTurn once there are as many messages as may wait. It returns those that are still to be received.
func (s *stage) inWindows(tr transport.Transport, wants []*transport.Message) []*transport.Message {
	if len(wants) < window {
		return wants
	}
	s.inTurn(tr, wants...)
	return nil
}
