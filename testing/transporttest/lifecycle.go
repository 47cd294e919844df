package transporttest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

func lifecycleChecks() []check {
	const after = "After Close or Shutdown every method returns an error that matches net.ErrClosed, or nothing to report."
	return []check{
		{"after Close everything returns net.ErrClosed", after, afterClose},
		{"after Shutdown everything returns net.ErrClosed", after, afterShutdown},
		{"the end of a transport is a change", "Changed returns a channel that is closed at the next change of what Pending, Publishers or Subscribers tell.", endIsChange},
		{"Close is idempotent", "It is idempotent and waits for every goroutine.", closeIsIdempotent},
		{"Close may be called concurrently", "All methods may be called concurrently", concurrentEnd},
		{"Close ends a Receive that waits", "Close ends the transport at once.", closeEndsReceive},
		{"Close ends a Shutdown that waits", "Close ends the transport at once.", closeEndsShutdown},
		{"what nobody received is counted at the end", "Untaken counts messages that had arrived, or arrived yet, when the transport ended, and that the bus did not get.", untakenIsCounted},
		{"all methods may be called concurrently", "All methods may be called concurrently, with the exception that one goroutine at a time calls Receive.", concurrentUse},
	}
}

func afterClose(s *stage) {
	tr := s.open()
	s.open()
	s.must("Close", tr.Close)
	s.ended(tr)
}

func afterShutdown(s *stage) {
	tr := s.open()
	s.open()
	s.shutdown(tr)
	s.ended(tr)
}

// shutdown is Shutdown, which must succeed.
func (s *stage) shutdown(tr transport.Transport) {
	s.must("Shutdown", func() error {
		ctx, cancel := s.patient()
		defer cancel()
		return tr.Shutdown(ctx)
	})
}

// ends are the ways to end a transport.
func (s *stage) ends() []func(transport.Transport) {
	return []func(transport.Transport){s.shutdown, func(tr transport.Transport) { s.must("Close", tr.Close) }}
}

// ended checks what a transport says that has ended.
func (s *stage) ended(tr transport.Transport) {
	for _, c := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"Publish", func(context.Context) error { return tr.Publish(message("t", "x")) }},
		{"Subscribe", func(context.Context) error { return tr.Subscribe("t") }},
		{"Unsubscribe", func(context.Context) error { return tr.Unsubscribe("t") }},
		{"Receive", func(ctx context.Context) error {
			_, err := tr.Receive(ctx, make([]transport.Message, 1))
			return err
		}},
		{"Shutdown", tr.Shutdown},
	} {
		s.refuses(c.name, c.do)
	}
	if p, n, m := tr.Pending(), tr.Publishers(), tr.Subscribers("t"); len(p) != 0 || n != 0 || m != 0 {
		s.failf("expected nothing to report after the end, but Pending tells %q, Publishers %d and Subscribers %d", p, n, m)
	}
	s.must("Close after the end", tr.Close)
}

// refuses checks that a method of a transport that has ended says so.
func (s *stage) refuses(name string, do func(ctx context.Context) error) {
	var err error
	s.call(name+" after the end", func() {
		ctx, cancel := s.patient()
		defer cancel()
		err = do(ctx)
	})
	if !errors.Is(err, net.ErrClosed) {
		s.failf("expected %s to return an error that matches net.ErrClosed after the end, but it returned: %v", name, err)
	}
}

func endIsChange(s *stage) {
	tr := s.open()
	s.open()
	s.ready(tr, 1)
	changed := tr.Changed()
	s.must("Close", tr.Close)
	s.closes(changed, "Changed to tell of the end, as there are no publishers any more")
}

func closeIsIdempotent(s *stage) {
	tr := s.open()
	s.open()
	for i := range 3 {
		s.must(fmt.Sprintf("call %d of Close", i+1), tr.Close)
	}
}

func concurrentEnd(s *stage) {
	all := []transport.Transport{s.open(), s.open(), s.open()}
	found := newMailbox[error]()
	s.call("Close and Shutdown, at the same time,", func() {
		ctx, cancel := s.patient()
		defer cancel()
		var calls sync.WaitGroup
		for _, tr := range all {
			for range 3 {
				calls.Go(func() {
					if err := tr.Close(); err != nil {
						found.put(fmt.Errorf("it returned: %w", err))
					}
				})
				calls.Go(func() { _ = tr.Shutdown(ctx) }) // it may have been too late
			}
		}
		calls.Wait()
	})
	if err, failed := found.take(); failed {
		s.failf("expected Close to succeed while others end the transport, but %v", err)
	}
	for _, tr := range all {
		s.ended(tr)
	}
}

func closeEndsReceive(s *stage) {
	_, sub := s.pair("t")
	r, cancel := s.waiting(sub)
	defer cancel()
	s.must("Close", sub.Close)
	if err := next(s, r.returned, "Receive to return when the transport ends"); !errors.Is(err, net.ErrClosed) {
		s.failf("expected Receive to return an error that matches net.ErrClosed when the transport ends, but it returned: %v", err)
	}
}

func closeEndsShutdown(s *stage) {
	pub, ended, cancel := s.shuttingDown()
	defer cancel()
	s.must("Close", pub.Close)
	s.closes(ended, "Shutdown to return when Close was called")
}

func untakenIsCounted(s *stage) {
	pub, sub := s.pair("t")
	const n = 10
	for range n {
		s.publish(pub, message("t", "x"))
	}
	s.receive(sub, 1)
	s.shutdown(pub) // now they have arrived
	s.must("Close", sub.Close)
	stats := sub.Stats()
	if stats.Received+stats.Untaken != n {
		s.failf("expected %d messages to be received or counted as untaken, but Stats are %+v", n, stats)
	}
}

func concurrentUse(s *stage) {
	pub, sub := s.pair("t", "end")
	const rounds, goroutines = 6, 4
	for round := range rounds {
		concurrentCalls(s, pub, sub, round, goroutines)
	}
	s.publish(pub, message("end", "end"))
	s.arrive(sub, message("end", "end"))
}

// concurrentCalls has goroutines call everything, and publish together as many messages as may wait, which arrive.
func concurrentCalls(s *stage, pub, sub transport.Transport, round, goroutines int) {
	found := newMailbox[error]()
	s.call("many calls at the same time", func() {
		var calls sync.WaitGroup
		for g := range goroutines {
			calls.Go(func() {
				for i := range window / goroutines {
					prefix := fmt.Sprintf("%d.%d.%d", round, g, i)
					for _, err := range []error{
						pub.Publish(message("t", prefix)), sub.Subscribe(prefix), sub.Publish(message("t", "to nobody")), sub.Unsubscribe(prefix),
					} {
						if err != nil {
							found.put(err)
						}
					}
					for _, tr := range []transport.Transport{pub, sub} {
						_, _, _, _, _, _ = tr.Changed(), tr.Pending(), tr.Publishers(), tr.Subscribers("t"), tr.Events(), tr.Stats()
					}
				}
			})
		}
		calls.Wait()
	})
	if err, failed := found.take(); failed {
		s.failf("expected calls at the same time to succeed, but one returned: %v", err)
	}
	seen := map[string]bool{}
	for _, m := range s.receive(sub, window) {
		seen[string(m.Payload[0])] = true
	}
	if len(seen) != window {
		s.failf("expected %d messages that were published at the same time to arrive once each, but only %d different ones did", window, len(seen))
	}
}
