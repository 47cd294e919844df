package socket_test

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// The defects of other implementations that no other test would notice here: docs/conformance.md has the whole list, by these letters.

// (b) What a subscriber does not want takes no room in its queue.
func TestDefectUnmatchedDoNotEvict(t *testing.T) {
	t.Parallel()
	const hwm = 100
	p := newPub(t, &socket.Options{SendHWM: hwm})
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
	r.say(zmtp.AppendSubscribe(nil, []byte("hot")))
	r.roundTrip()
	for i := range 100 * hwm {
		send(t, p, "cold", strings.Repeat("x", 100))
		if i%100 == 0 {
			send(t, p, "hot", fmt.Sprint(i/100))
		}
	}
	for i := range hwm {
		r.want(fmt.Sprint("hot|", i))
	}
}

// (e) A message without frames is an error of every type, and breaks nothing.
func TestDefectEmptyMessage(t *testing.T) {
	t.Parallel()
	for name, p := range pairings {
		s := open(t, p[0](nil))
		var bad *socket.MessageError
		if err := s.Send(zmq4.Msg{}); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// (f) Recv of a REQ ends with its context, and may be tried again.
func TestDefectReqRecvEnds(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		rep, req := open(t, socket.NewRep(nil)), open(t, socket.NewReq(nil))
		together(t, endpoint, rep, req)
		send(t, req, "request")
		want(t, rep, "request")
		receiveBlocks(t, req)
		send(t, rep, "reply")
		want(t, req, "reply")
	})
}

// (g) Closing with unread and unsent messages leaves nothing behind: goleak looks after the last test.
func TestDefectCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	eachPairing(t, func(t *testing.T, listener, dialer func(*socket.Options) socket.Socket) {
		eachTransport(t, func(t *testing.T, transport string) {
			for range 5 {
				a, b := open(t, listener(nil)), open(t, dialer(nil))
				meet(t, transport, a, b)
				connected(t, a, 1)
				for _, s := range []socket.Socket{a, b} {
					if s.Type() == zmq4.Rep || s.Type() == zmq4.Pull || s.Type() == zmq4.Sub {
						continue
					}
					for range 3 {
						_ = s.Send(text("\x01unread", "2"))
					}
				}
				for _, s := range []socket.Socket{a, b} {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	})
}

// (i2) Reconnecting costs no goroutine each time, though nobody receives. Not parallel: it counts the goroutines of all.
func TestDefectReconnectsKeepNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSub(t, &socket.Options{ReconnectInterval: time.Millisecond, ReconnectMax: time.Millisecond}, "")
	dial(t, s, "tcp://"+l.Addr().String())
	early := 0
	for round := range 60 {
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		r := takeOver(t, nc).handshake("PUB", 0)
		r.want("\x01")
		r.say(say("unread"))
		r.roundTrip()
		if round == 5 {
			early = runtime.NumGoroutine()
		}
		if now := runtime.NumGoroutine(); round == 59 && now > early+5 {
			t.Errorf("%d goroutines after 60 connections, %d after 6", now, early)
		}
		_ = r.Close()
		connected(t, s, 0)
	}
}

// (i3, i4) Whoever sends while the only receiver restarts waits or is kept; a message that was accepted when nobody was there arrives.
func TestDefectPushSurvivesARestart(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		push := open(t, socket.NewPush(&socket.Options{ReconnectInterval: time.Millisecond}))
		dial(t, push, endpoint)
		send(t, push, "0")
		for round := range 5 {
			pull := open(t, socket.NewPull(nil))
			listen(t, pull, endpoint)
			want(t, pull, fmt.Sprint(round))
			_ = pull.Close()
			connected(t, push, 0)
			send(t, push, fmt.Sprint(round+1))
		}
	})
}

// (j) Everything at once, for the race detector.
func TestDefectConcurrentUse(t *testing.T) {
	t.Parallel()
	eachPairing(t, func(t *testing.T, listener, dialer func(*socket.Options) socket.Socket) {
		a, b := open(t, listener(nil)), open(t, dialer(&socket.Options{ReconnectInterval: time.Millisecond}))
		bound := listen(t, a, anyPort)
		var all sync.WaitGroup
		for range 5 {
			for _, s := range []socket.Socket{a, b} {
				all.Go(func() { _ = s.SetOption(zmq4.OptionHWM, 10) })
				all.Go(func() { _ = s.Listen(anyPort) })
				all.Go(func() { _ = s.SendContext(patient(t), text("x")) })
				all.Go(func() { _, _ = s.RecvContext(patient(t)) })
				all.Go(func() { _, _, _ = s.Stats(), s.Peers(), s.Bound() })
			}
			all.Go(func() { _ = b.Dial(bound) })
			all.Go(func() { _ = b.Disconnect(bound) })
		}
		for _, s := range []socket.Socket{a, b} {
			all.Go(func() { _ = s.Close() })
		}
		all.Wait()
	})
}

// (m) Each of several endpoints comes back as itself: no connection is made twice, no message comes twice.
func TestDefectSeveralEndpoints(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "ipc", "inproc"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			first, second := vacant(t, transport), vacant(t, "inproc")
			s := newSub(t, &socket.Options{ReconnectInterval: time.Millisecond}, "")
			dial(t, s, first, second)
			stays := newPub(t, nil)
			listen(t, stays, second)
			for range 3 {
				restarts := newPub(t, nil)
				listen(t, restarts, first)
				eventually(t, s, "both publishers", func() bool { return s.Publishers() == 2 })
				send(t, restarts, "first")
				want(t, s, "first")
				send(t, stays, "second")
				want(t, s, "second")
				_ = restarts.Close()
				connected(t, s, 1)
			}
			send(t, stays, "end")
			want(t, s, "end")
			if p := s.Stats(); p.Connects != 4 || p.Received != 7 {
				t.Errorf("%+v", p)
			}
		})
	}
}

// (o1) A server that accepts and says nothing keeps neither Dial nor Close.
func TestDefectSilentServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, socket.NewReq(&socket.Options{HandshakeTimeout: time.Hour}))
	dial(t, s, "tcp://"+l.Addr().String())
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	event(t, s, socket.Connected)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
