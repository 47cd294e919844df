package memory_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func TestPeersComeAndGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		first, second := joinTo(t, network), network.Join()
		peers := []transport.Peer{
			{Endpoint: "memory", Address: "memory #1", Role: "peer"},
			{Endpoint: "memory", Address: "memory #2", Role: "peer"},
		}
		if e := <-first.Events(); e != (transport.Event{Up: true, Peer: peers[1]}) {
			t.Errorf("%+v", e)
		}
		if e := <-second.Events(); e != (transport.Event{Up: true, Peer: peers[0]}) {
			t.Errorf("%+v", e)
		}
		subscribe(t, second, "")
		changed := first.Changed()
		_ = second.Close()
		if e := <-first.Events(); e.Up || e.Bad || e.Peer != peers[1] || e.Err == nil {
			t.Errorf("%+v", e)
		}
		if !closed(changed) || first.Publishers() != 0 || first.Subscribers("x") != 0 {
			t.Errorf("changed %t, %d publishers, %d subscribers", closed(changed), first.Publishers(), first.Subscribers("x"))
		}
		for range 200 { // 400 events, of which 256 have room
			_ = network.Join().Close()
		}
		if s := first.Stats(); s.EventsLost != 400-256 {
			t.Errorf("%+v", s)
		}
	})
}

// What waits at the end is the receiver's still when the sender leaves, and is untaken when the receiver does.
func TestWhatWaitsAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		subscribe(t, all[1], "")
		subscribe(t, all[2], "")
		publish(t, all[0], message("a", "1"), message("a", "2"))
		if err := all[0].Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if got := received(t, all[1]); len(got) != 2 {
			t.Errorf("got %q", got)
		}
		_ = all[2].Close()
		if s := all[2].Stats(); s != (transport.Stats{Untaken: 2}) {
			t.Errorf("%+v", s)
		}
		if s := all[0].Stats(); s != (transport.Stats{Sent: 4}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(*memory.Transport) error{
		"close": (*memory.Transport).Close,
		"shutdown": func(tr *memory.Transport) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // there is nothing to wait for
			return tr.Shutdown(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tr, _ := pair(t, nil, "")
				subscribe(t, tr, "a")
				changed := tr.Changed()
				received := make(chan error)
				go func() {
					_, err := tr.Receive(context.Background(), make([]transport.Message, 1))
					received <- err
				}()
				synctest.Wait()
				if err := end(tr); err != nil {
					t.Fatal(err)
				}
				<-changed
				if e := <-tr.Events(); !e.Up {
					t.Errorf("%+v", e)
				}
				if e, more := <-tr.Events(); more {
					t.Errorf("%+v after the end", e)
				}
				_, late := tr.Receive(context.Background(), make([]transport.Message, 1))
				for call, err := range map[string]error{
					"Receive under way": <-received,
					"Receive":           late,
					"Publish":           tr.Publish(message("a", "x")),
					"PublishRetained":   tr.PublishRetained(message("a", "x"), "", 1),
					"Subscribe":         tr.Subscribe("a"),
					"Unsubscribe":       tr.Unsubscribe("a"),
					"Shutdown":          tr.Shutdown(context.Background()),
				} {
					if !errors.Is(err, net.ErrClosed) || err != memory.ErrClosed {
						t.Errorf("%s: %v", call, err)
					}
				}
				if err := tr.Close(); err != nil {
					t.Error(err)
				}
				if len(tr.Pending()) != 0 || tr.Publishers() != 0 || tr.Subscribers("") != 0 {
					t.Errorf("pending %q, %d publishers, %d subscribers", tr.Pending(), tr.Publishers(), tr.Subscribers(""))
				}
			})
		})
	}
}

func TestConcurrentEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		var all sync.WaitGroup
		for range 4 {
			tr := joinTo(t, network)
			for range 3 {
				all.Go(func() { _ = tr.Close() })
				all.Go(func() { _ = tr.Shutdown(context.Background()) })
			}
		}
		all.Wait()
		if tr := joinTo(t, network); tr.Publishers() != 0 {
			t.Errorf("%d of those that have ended are peers", tr.Publishers())
		}
	})
}

// What counts as sent has been received, or is untaken, also when the receiver leaves while others publish.
func TestPublishWhileTheReceiverCloses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for range 200 {
			pub, sub := pair(t, nil, "")
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					for pub.Publishers() > 0 {
						publish(t, pub, message("a", "x"))
					}
				})
			}
			all.Go(func() { _ = sub.Close() })
			all.Wait()
			if sent, s := pub.Stats().Sent, sub.Stats(); s.Received+s.Untaken != sent {
				t.Fatalf("%d sent, %+v", sent, s)
			}
			_ = pub.Close()
		}
	})
}
