package socket_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// streamer is a PULL and a PUSH for a proxy, with a peer for each.
type streamer struct {
	front *socket.Pull
	back  *socket.Push
	in    *socket.Push
	out   *socket.Pull
}

func newStreamer(t *testing.T, backOpts *socket.Options) *streamer {
	s := &streamer{
		front: open(t, socket.NewPull(nil)), back: open(t, socket.NewPush(backOpts)),
		in: open(t, socket.NewPush(nil)), out: open(t, socket.NewPull(nil)),
	}
	dial(t, s.in, listen(t, s.front, vacant(t, "inproc")))
	dial(t, s.out, listen(t, s.back, vacant(t, "inproc")))
	return s
}

// The end of any of its sockets ends a proxy, also of one in which nobody waits, and in a pause.
func TestProxyEndsWithItsSockets(t *testing.T) {
	t.Parallel()
	for _, paused := range []bool{false, true} {
		for i, name := range []string{"frontend", "backend", "capture"} {
			t.Run(name+"/paused "+strconv.FormatBool(paused), func(t *testing.T) {
				t.Parallel()
				sockets := []socket.Socket{open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil)), open(t, socket.NewPub(nil))}
				p := socket.NewProxy(sockets[0], sockets[1], sockets[2])
				if paused {
					p.Pause()
				}
				ended, _ := run(t, p)
				_ = sockets[i].Close()
				if err := <-ended; !errors.Is(err, socket.ErrClosed) {
					t.Error(err)
				}
				if err := p.Run(t.Context()); !errors.Is(err, socket.ErrClosed) {
					t.Error("again:", err)
				}
			})
		}
	}
}

func TestProxyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, nil)
	p := socket.NewProxy(s.front, s.back, nil)
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if err := p.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	send(t, s.in, "later") // the sockets are as good as before
	run(t, p)
	want(t, s.out, "later")
}

// What was taken when Run ended is not lost: the next Run gives it on, in order, and captures nothing twice.
func TestProxyKeepsWhatItCannotGive(t *testing.T) {
	t.Parallel()
	front, back := open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil)) // back has no peer: it waits
	capture, tap := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
	in, out := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
	dial(t, capture, listen(t, tap, vacant(t, "inproc")))
	dial(t, in, listen(t, front, vacant(t, "inproc")))
	p := socket.NewProxy(front, back, capture)
	ended, stop := run(t, p)
	send(t, in, "1")
	send(t, in, "2")
	want(t, tap, "1") // taken, therefore
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Backend.MessagesOut != 0 || s.Frontend.MessagesIn == 0 {
		t.Errorf("%+v", s)
	}
	dial(t, out, listen(t, back, vacant(t, "inproc")))
	send(t, in, "3")
	run(t, p)
	want(t, out, "1", "2", "3")
	want(t, tap, "2", "3")
	if s := p.Stats(); s.Frontend.MessagesIn != 3 || s.Backend.MessagesOut != 3 || s.Backend.BytesOut != 3 {
		t.Errorf("%+v", s)
	}
}

// While it is paused a proxy takes nothing; what comes stays in the socket, and goes on in order.
func TestProxyPause(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, nil)
	p := socket.NewProxy(s.front, s.back, nil)
	p.Pause() // before Run
	run(t, p)
	send(t, s.in, "1")
	send(t, s.in, "2")
	if err := s.in.Shutdown(patient(t)); err != nil { // front has them
		t.Fatal(err)
	}
	p.Pause()
	if stats := p.Stats(); stats != (socket.ProxyStats{}) {
		t.Errorf("taken in a pause: %+v", stats)
	}
	p.Resume()
	p.Resume()
	want(t, s.out, "1", "2")
}

// dawdling takes its time to come back from RecvBatch.
type dawdling struct {
	socket.Socket
	taking  atomic.Bool
	entered chan struct{}
}

func (d *dawdling) RecvBatch(ctx context.Context, buf []zmq4.Msg) (int, error) {
	d.taking.Store(true)
	defer d.taking.Store(false)
	d.entered <- struct{}{}
	n, err := d.Socket.RecvBatch(ctx, buf)
	for range 10_000 {
		runtime.Gosched()
	}
	return n, err
}

// When Pause returns nobody is about to take a message.
func TestProxyPauseWaits(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, nil)
	front := &dawdling{Socket: s.front, entered: make(chan struct{}, 1)}
	p := socket.NewProxy(front, s.back, nil)
	run(t, p)
	<-front.entered
	p.Pause()
	if front.taking.Load() {
		t.Error("still taking")
	}
}

// Pauses at any moment lose nothing, and double nothing, and none hangs.
func TestProxyPausedAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, nil)
	p := socket.NewProxy(s.front, s.back, nil)
	run(t, p)
	const messages = 20_000
	over := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				p.Pause()
				p.Resume()
			}
		})
	}
	all.Go(func() {
		for i := range messages {
			if err := s.in.SendContext(patient(t), text(strconv.Itoa(i))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range messages {
		if got := receive(t, s.out); got != strconv.Itoa(i) {
			t.Errorf("%s instead of %d", got, i)
			break
		}
	}
	close(over)
	all.Wait()
}

// A message that a socket does not want is counted and left out.
func TestProxyRefused(t *testing.T) {
	t.Parallel()
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		s := newStreamer(t, &socket.Options{MaxMessageSize: 4})
		p := socket.NewProxy(s.front, s.back, nil)
		p.Pause() // they come in one batch
		run(t, p)
		for _, m := range []string{"12345", "1", "23456", "34567", "2"} {
			send(t, s.in, m)
		}
		p.Resume()
		want(t, s.out, "1", "2")
		send(t, s.in, "3")
		want(t, s.out, "3")
		if stats := p.Stats(); stats.Frontend.MessagesIn != 6 || stats.Backend.Refused != 3 || stats.Backend.BytesOut != uint64(len("123")) {
			t.Errorf("%+v", stats)
		}
	})
	t.Run("for nobody", func(t *testing.T) {
		t.Parallel()
		router, dealer := open(t, socket.NewRouter(&socket.Options{Mandatory: true})), open(t, socket.NewDealer(nil))
		client, worker := open(t, socket.NewDealer(&socket.Options{Identity: "client"})), open(t, socket.NewDealer(nil))
		dial(t, client, listen(t, router, vacant(t, "inproc")))
		dial(t, worker, listen(t, dealer, vacant(t, "inproc")))
		connected(t, router, 1)
		p := socket.NewProxy(router, dealer, nil)
		run(t, p)
		send(t, worker, "stranger", "lost")
		send(t, worker, "client", "found")
		want(t, client, "found")
		if stats := p.Stats(); stats.Frontend.Refused != 1 || stats.Frontend.MessagesOut != 1 || stats.Backend.MessagesIn != 2 {
			t.Errorf("%+v", stats)
		}
	})
}

// foreign is a Socket that is not known to send batches without copying.
type foreign struct{ socket.Socket }

func TestProxyOfForeignSockets(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, nil)
	run(t, socket.NewProxy(foreign{s.back}, foreign{s.front}, nil)) // and the other way round
	payload := make([]byte, 1<<20)
	if err := s.in.SendOwned(patient(t), zmq4.NewMsg(payload)); err != nil {
		t.Fatal(err)
	}
	m, err := s.out.RecvContext(patient(t))
	if err != nil || &m.Frames[0][0] != &payload[0] {
		t.Error("copied", err)
	}
}

// A PUB as capture gets both ways, and what it hands on is a copy.
func TestProxyCapture(t *testing.T) {
	t.Parallel()
	router, dealer := open(t, socket.NewRouter(nil)), open(t, socket.NewDealer(nil))
	capture := newPub(t, nil)
	tap := newSub(t, nil, "client")
	dial(t, tap, listen(t, capture, anyPort))
	ready(t, tap)
	client, worker := open(t, socket.NewDealer(&socket.Options{Identity: "client"})), open(t, socket.NewDealer(nil))
	dial(t, client, listen(t, router, vacant(t, "inproc")))
	dial(t, worker, listen(t, dealer, vacant(t, "inproc")))
	run(t, socket.NewProxy(router, dealer, capture))
	send(t, client, "ask")
	want(t, worker, "client|ask")
	send(t, worker, "client", "answer")
	want(t, client, "answer")
	want(t, tap, "client|ask", "client|answer")
}

func TestProxyCaptureThatDoesNotSuit(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, nil)
	for _, capture := range []socket.Socket{newSub(t, nil), open(t, socket.NewRouter(nil)), open(t, socket.NewXPub(nil)), open(t, socket.NewReq(nil))} {
		var unsupported *socket.UnsupportedError
		if err := socket.NewProxy(s.front, s.back, capture).Run(t.Context()); !errors.As(err, &unsupported) || unsupported.Type != capture.Type() {
			t.Error(capture.Type(), err)
		}
	}
}
