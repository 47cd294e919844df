package transporttest

import (
	"fmt"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

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
