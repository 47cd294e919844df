package transporttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

func receiveChecks() []check {
	return []check{
		{"Receive fills from the beginning", "fills into from its beginning with what is there", fillsFromBeginning},
		{"Receive waits for a message", "Receive waits until there is at least one message", waitsForMessage},
		{"Receive ends with its context", "When ctx ends first, the error is that of ctx.", endsWithContext},
		{"Receive takes what fits", "fills into from its beginning with what is there", takesWhatFits},
	}
}

func fillsFromBeginning(s *stage) {
	pub, sub := s.pair("t")
	const all = 30
	seen := map[string]bool{}
	for i := range all {
		s.publish(pub, message("t", fmt.Sprint(i)))
	}
	for len(seen) < all {
		into := make([]transport.Message, 2*all)
		n := s.take(sub, into)
		if n < 1 || n > all-len(seen) {
			s.failf("expected Receive to return between 1 and %d messages, but it returned %d", all-len(seen), n)
		}
		for i, m := range into[:n] {
			if m.Topic != "t" || len(m.Payload) != 1 || seen[string(m.Payload[0])] {
				s.failf("expected the first %d places to have a message each that was not received before, but place %d has %s", n, i, list(into[i:i+1]))
			}
			seen[string(m.Payload[0])] = true
		}
	}
}

// receiving is a Receive under way.
type receiving struct {
	returned *mailbox[error]
	n        int // of messages, once it has returned
	into     [4]transport.Message
}

func (s *stage) receiving(ctx context.Context, tr transport.Transport) *receiving {
	r := &receiving{returned: newMailbox[error]()}
	go func() {
		n, err := tr.Receive(ctx, r.into[:])
		r.n = n
		r.returned.put(err)
	}()
	return r
}

// waiting is a Receive that waits, as there is no message.
func (s *stage) waiting(tr transport.Transport) (r *receiving, cancel context.CancelFunc) {
	ctx, cancel := observe()
	r = s.receiving(ctx, tr)
	s.waits(ctx, r.returned.filled, "Receive")
	if err, over := r.returned.take(); over {
		cancel()
		s.failf("expected Receive to wait, as there is no message, but it returned %d messages, and the error %v", r.n, err)
	}
	return r, cancel
}

func waitsForMessage(s *stage) {
	pub, sub := s.pair("t")
	r, cancel := s.waiting(sub)
	defer cancel()
	s.publish(pub, message("t", "x"))
	if err := next(s, r.returned, "Receive to return once there is a message"); r.n != 1 || err != nil {
		s.failf("expected Receive to return 1 message, but it returned %d, and the error %v", r.n, err)
	}
	s.same("a message", &r.into[0], message("t", "x"))
}

func endsWithContext(s *stage) {
	pub, sub := s.pair("t")
	cancelled := func(r *receiving) {
		if err := next(s, r.returned, "Receive to return when its context has ended"); !errors.Is(err, context.Canceled) {
			s.failf("expected Receive to return the error of its context, %v, but it returned: %v", context.Canceled, err)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	cancelled(s.receiving(ended, sub))
	r, cancel := s.waiting(sub)
	cancel()
	cancelled(r)
	s.publish(pub, message("t", "x"))
	s.arrive(sub, message("t", "x"))
}

func takesWhatFits(s *stage) {
	pub, sub := s.pair("t")
	wants := []*transport.Message{message("t", "1"), message("t", "2"), message("t", "3"), message("t", "4"), message("t", "5")}
	s.publish(pub, wants...)
	var all []transport.Message
	for len(all) < len(wants) {
		into := make([]transport.Message, 2)
		n := s.take(sub, into)
		if n < 1 || n > 2 {
			s.failf("expected Receive to return 1 or 2 messages where there is room for 2, but it returned %d", n)
		}
		all = append(all, into[:n]...)
	}
	for _, want := range wants {
		found := false
		for i := range all {
			found = found || differs(&all[i], want) == ""
		}
		if !found {
			s.failf("expected %s, but received %s", pointers(wants), list(all))
		}
	}
}
