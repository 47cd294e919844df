package transporttest

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// window is how many messages, requests or tasks may wait for one peer, as far as the checks rely on it. Those that need more take them in
// turns of as many.
const window = 32

const (
	patience = 10 * time.Second       // how long a transport has for what it must do
	grace    = patience + patience/10 // and a call: with a context of patient it is to end by that
)

// stage is what a check plays on: a network, and the transports that were opened.
type stage struct {
	network func() transport.Transport
	opened  []transport.Transport
}

// open adds a transport, which ends with the check.
func (s *stage) open() transport.Transport {
	tr := s.network()
	s.opened = append(s.opened, tr)
	return tr
}

// close ends all transports, and says which call has not returned. What else it returns is for checks of the end.
func (s *stage) close() (err error) {
	for _, tr := range s.opened {
		failed := s.perform(func(s *stage) { s.call("Close", func() { _ = tr.Close() }) })
		if err == nil {
			err = failed
		}
	}
	return err
}

// call calls f, which must return in time.
func (s *stage) call(what string, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	s.closesWithin(grace, done, what+" to return")
}

// must is call for what must succeed.
func (s *stage) must(what string, f func() error) {
	var err error
	s.call(what, func() { err = f() })
	if err != nil {
		s.failf("expected %s to succeed, but it returned: %v", what, err)
	}
}

// closes waits until a channel is closed, or has a token.
func (s *stage) closes(c <-chan struct{}, what string) { s.closesWithin(patience, c, what) }

func (s *stage) closesWithin(d time.Duration, c <-chan struct{}, what string) {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-c:
	case <-late.C:
		s.failf("expected %s, which has not happened after %v", what, d)
	}
}

// patient returns a context for what must happen in time.
func (s *stage) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// until waits, from one change that tr tells of to the next, until something holds.
func (s *stage) until(tr transport.Transport, what string, holds func() bool) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		changed := tr.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			if holds() {
				s.failf("expected Changed to tell of a change to what is expected and has come, %s, but its channel was not closed", what)
			}
			s.failf("expected %s, which is not so after %v: Pending tells %q, Publishers %d", what, patience, tr.Pending(), tr.Publishers())
		}
	}
}

// ready waits until the subscriptions of tr are in force at so many publishers.
func (s *stage) ready(tr transport.Transport, publishers int) {
	s.until(tr, "that nothing is pending, and that there are the publishers", func() bool {
		return len(tr.Pending()) == 0 && tr.Publishers() == publishers
	})
}

// subscribe subscribes tr to prefixes, and waits until that is in force at so many publishers.
func (s *stage) subscribe(tr transport.Transport, publishers int, prefixes ...string) {
	for _, prefix := range prefixes {
		s.must("Subscribe", func() error { return tr.Subscribe(prefix) })
	}
	s.ready(tr, publishers)
}

// pair opens a transport that publishes, and one that is subscribed to its prefixes.
func (s *stage) pair(prefixes ...string) (pub, sub transport.Transport) {
	pub, sub = s.open(), s.open()
	s.subscribe(sub, 1, prefixes...)
	return pub, sub
}

// publish publishes messages, each of which must succeed.
func (s *stage) publish(tr transport.Transport, messages ...*transport.Message) {
	s.must("Publish", func() error {
		for _, m := range messages {
			if err := tr.Publish(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// take is one call of Receive, which must succeed. It returns how many messages there are.
func (s *stage) take(tr transport.Transport, into []transport.Message) (n int) {
	s.must("Receive", func() (err error) {
		ctx, cancel := s.patient()
		defer cancel()
		n, err = tr.Receive(ctx, into)
		return err
	})
	return n
}

// receive returns the next n messages.
func (s *stage) receive(tr transport.Transport, n int) []transport.Message {
	return s.receiveWanted(tr, n, fmt.Sprintf("%d messages", n))
}

// receiveWanted is receive for those that a failure names.
func (s *stage) receiveWanted(tr transport.Transport, n int, wanted string) []transport.Message {
	into := make([]transport.Message, n)
	got := 0
	var err error
	s.call("Receive", func() {
		ctx, cancel := s.patient()
		defer cancel()
		for got < n && err == nil {
			var more int
			more, err = tr.Receive(ctx, into[got:])
			if err == nil && more < 1 {
				break
			}
			got += more
		}
	})
	if err != nil {
		s.failf("expected %s, but after %s Receive returned: %v%s", wanted, list(into[:got]), err, s.dropped())
	}
	if got < n {
		s.failf("expected %s, but after %s Receive returned neither a message nor an error%s", wanted, list(into[:got]), s.dropped())
	}
	return into
}

// dropped tells where a message may have gone that is missing.
func (s *stage) dropped() string {
	var all []uint64
	for _, tr := range s.opened {
		all = append(all, tr.Stats().Dropped)
	}
	return fmt.Sprintf("; Dropped in the Stats of the transports, in the order in which they were opened: %d", all)
}
