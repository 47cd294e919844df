package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

func TestAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*zmq.Transport) error{
		"close":    func(tr *zmq.Transport) error { return tr.Close() },
		"shutdown": func(tr *zmq.Transport) error { return tr.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := open(t, &zmq.Options{Publish: zmq.Bind(anyPort), Subscribe: zmq.Bind(anyPort).Connect("tcp://127.0.0.1:1")})
			changed := tr.Changed()
			received := make(chan error)
			go func() {
				_, err := tr.Receive(context.Background(), make([]transport.Message, 1))
				received <- err
			}()
			if err := end(tr); err != nil {
				t.Fatal(err)
			}
			<-changed
			if _, more := <-tr.Events(); more {
				t.Error("an event of nobody")
			}
			underWay := <-received
			_, late := tr.Receive(context.Background(), make([]transport.Message, 1))
			for call, err := range map[string]error{
				"Receive under way": underWay,
				"Receive":           late,
				"Publish":           tr.Publish(message("a", "x")),
				"PublishRetained":   tr.PublishRetained(message("a", "x"), "", 1),
				"Subscribe":         tr.Subscribe("a"),
				"Unsubscribe":       tr.Unsubscribe("a"),
				"Shutdown":          tr.Shutdown(context.Background()),
			} {
				if !errors.Is(err, net.ErrClosed) || err != zmq.ErrClosed {
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
	}
}

func TestEndWakesWaiters(t *testing.T) {
	t.Parallel()
	tr := open(t, nil)
	changed := tr.Changed()
	_ = tr.Close()
	select {
	case <-changed:
	default:
		t.Error("Close woke nobody")
	}
}

func TestConcurrentClose(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "")
	var all sync.WaitGroup
	for range 3 {
		for _, tr := range []*zmq.Transport{pub, sub} {
			all.Go(func() { _ = tr.Close() })
			all.Go(func() { _ = tr.Shutdown(context.Background()) })
		}
	}
	all.Wait()
	for _, tr := range []*zmq.Transport{pub, sub} {
		if err := tr.Shutdown(context.Background()); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

// Shutdown returns when the peer has everything, also when that takes a while.
func TestShutdownFlushes(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		const messages = 5000
		pub := open(t, &zmq.Options{Publish: zmq.Bind(endpoint), SendHWM: -1})
		sub := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...), ReceiveHWM: 10})
		subscribe(t, sub, "")
		ready(t, sub)
		for i := range messages {
			publish(t, pub, message("a", fmt.Sprint(i), strings.Repeat("x", 1000)))
		}
		ended := make(chan error)
		go func() { ended <- pub.Shutdown(patient(t)) }()
		for i := range messages {
			want(t, sub, message("a", fmt.Sprint(i), strings.Repeat("x", 1000)))
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if s := pub.Stats(); s.Sent != messages || s.Dropped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A peer that takes nothing is named when the context ends.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	pub := open(t, &zmq.Options{Publish: zmq.Bind(anyPort), SendHWM: -1})
	sub := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...), ReceiveHWM: 10})
	subscribe(t, sub, "")
	ready(t, sub)
	for range 3000 {
		publish(t, pub, message("a", strings.Repeat("x", 10_000)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := pub.Shutdown(ctx)
	var failed *socket.FlushError
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || len(failed.Peers) != 1 || failed.Peers[0].Queued == 0 {
		t.Errorf("%v", err)
	}
}

// A transport that hears itself does not wait for itself, although nobody receives any more.
func TestShutdownOfAnEcho(t *testing.T) {
	t.Parallel()
	at := ipc(t)
	tr := open(t, &zmq.Options{Publish: zmq.Bind(at), Subscribe: zmq.Connect(at), SendHWM: -1, ReceiveHWM: 10})
	subscribe(t, tr, "")
	ready(t, tr)
	for range 3000 { // more than the connection holds
		publish(t, tr, message("a", strings.Repeat("x", 10_000)))
	}
	if err := tr.Shutdown(patient(t)); err != nil {
		t.Error(err)
	}
}

// Close ends a Shutdown that waits for a peer.
func TestCloseEndsShutdown(t *testing.T) {
	t.Parallel()
	pub := open(t, &zmq.Options{Publish: zmq.Bind(anyPort), SendHWM: -1})
	sub := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...), ReceiveHWM: 10})
	subscribe(t, sub, "")
	ready(t, sub)
	for range 3000 {
		publish(t, pub, message("a", strings.Repeat("x", 10_000)))
	}
	ended := make(chan error)
	go func() { ended <- pub.Shutdown(context.Background()) }()
	for pub.Subscribe("") == nil { // until it has begun
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pub.Receive(over, make([]transport.Message, 1)); err != zmq.ErrClosed {
		t.Error(err)
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
	<-ended
}
