package socket_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// run runs a proxy until the test ends or one of its sockets is closed, and returns where its error will be.
func run(t *testing.T, p *socket.Proxy) (ended <-chan error, stop context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	finished := make(chan struct{})
	go func() {
		done <- p.Run(ctx)
		close(finished)
	}()
	t.Cleanup(func() { cancel(); <-finished })
	return done, cancel
}

func TestProxyPipeline(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		other := "inproc://back-" + t.Name()
		front, back, capture := open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil)), open(t, socket.NewPush(nil))
		tap := open(t, socket.NewPull(nil))
		dial(t, capture, listen(t, tap, "inproc://tap-"+t.Name()))
		push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		dial(t, push, listen(t, front, endpoint))
		dial(t, pull, listen(t, back, other))
		p := socket.NewProxy(front, back, capture)
		ended, stop := run(t, p)
		large := strings.Repeat("x", 1<<20)
		for i := range 20 {
			send(t, push, fmt.Sprint(i), "", large)
			w := fmt.Sprint(i, "||") + large
			want(t, pull, w)
			want(t, tap, w)
		}
		p.Pause()
		send(t, push, "paused")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if m, err := pull.RecvContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v came through a pause: %v", m, err)
		}
		p.Resume()
		want(t, pull, "paused")
		want(t, tap, "paused")
		if s := p.Stats(); s.Frontend.MessagesIn != 21 || s.Backend.MessagesOut != 21 || s.Frontend.BytesIn < 20<<20 || s.Frontend.BytesIn != s.Backend.BytesOut {
			t.Errorf("%+v", s)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestProxyRequests(t *testing.T) {
	t.Parallel()
	front, back := open(t, socket.NewRouter(nil)), open(t, socket.NewDealer(nil))
	at, behind := listen(t, front, anyPort), listen(t, back, anyPort)
	ended, _ := run(t, socket.NewProxy(front, back, nil))
	for server := range 2 {
		rep := open(t, socket.NewRep(nil))
		dial(t, rep, behind)
		go func() { // ends with the socket
			for m, err := rep.Recv(); err == nil; m, err = rep.Recv() {
				_ = rep.Send(text(fmt.Sprint(server), string(m.Frames[0])))
			}
		}()
	}
	connected(t, back, 2)
	answers := map[string]bool{}
	for i := range 4 {
		req := open(t, socket.NewReq(nil))
		dial(t, req, at)
		send(t, req, fmt.Sprint(i/2))
		answers[receive(t, req)] = true
	}
	for _, answer := range []string{"0|0", "1|0", "0|1", "1|1"} { // in turns over the servers
		if !answers[answer] {
			t.Errorf("no %s in %v", answer, answers)
		}
	}
	_ = back.Close()
	if err := <-ended; !errors.Is(err, socket.ErrClosed) {
		t.Error(err)
	}
}

// Subscriptions go upstream through the proxy, and messages downstream.
func TestProxySubscriptions(t *testing.T) {
	t.Parallel()
	front, back, pub := open(t, socket.NewXSub(nil)), open(t, socket.NewXPub(nil)), newPub(t, nil)
	dial(t, front, listen(t, pub, anyPort))
	sub := newSub(t, nil, "a")
	dial(t, sub, listen(t, back, anyPort))
	run(t, socket.NewProxy(front, back, nil))
	eventually(t, pub, "the subscription", func() bool { return pub.Subscribers([]byte("a")) == 1 })
	send(t, pub, "b", "unwanted")
	send(t, pub, "a", "wanted")
	want(t, sub, "a|wanted")
	_ = sub.Close()
	eventually(t, pub, "its end", func() bool { return pub.Subscribers([]byte("a")) == 0 })
}

// Large payloads pass by reference.
func TestProxyDoesNotCopy(t *testing.T) {
	t.Parallel()
	front, back := open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil))
	push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
	dial(t, push, listen(t, front, "inproc://front-"+t.Name()))
	dial(t, back, listen(t, pull, "inproc://back-"+t.Name()))
	run(t, socket.NewProxy(front, back, nil))
	payload := make([]byte, 1<<20)
	if err := push.SendOwned(patient(t), zmq4.NewMsg(payload)); err != nil {
		t.Fatal(err)
	}
	m, err := pull.RecvContext(patient(t))
	if err != nil || &m.Frames[0][0] != &payload[0] {
		t.Error("copied", err)
	}
}

func TestProxyOfSocketsThatDoNotSuit(t *testing.T) {
	t.Parallel()
	a, b := open(t, socket.NewPull(nil)), open(t, socket.NewPull(nil))
	var unsupported *socket.UnsupportedError
	if err := socket.NewProxy(a, b, nil).Run(t.Context()); !errors.As(err, &unsupported) {
		t.Error(err)
	}
}
