package socket_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// pairings are the types that belong together; the first of each can send to the second.
var pairings = map[string][2]func(*socket.Options) socket.Socket{
	"push pull":     {anySocket(socket.NewPush), anySocket(socket.NewPull)},
	"pub sub":       {anySocket(socket.NewPub), anySocket(socket.NewSub)},
	"xpub xsub":     {anySocket(socket.NewXPub), anySocket(socket.NewXSub)},
	"req rep":       {anySocket(socket.NewReq), anySocket(socket.NewRep)},
	"dealer router": {anySocket(socket.NewDealer), anySocket(socket.NewRouter)},
	"pair pair":     {anySocket(socket.NewPair), anySocket(socket.NewPair)},
}

func anySocket[S socket.Socket](build func(*socket.Options) S) func(*socket.Options) socket.Socket {
	return func(o *socket.Options) socket.Socket { return build(o) }
}

// eachPairing runs a test for each pairing, in both orders.
func eachPairing(t *testing.T, run func(t *testing.T, listener, dialer func(*socket.Options) socket.Socket)) {
	t.Helper()
	for name, p := range pairings {
		for i := range p {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				t.Parallel()
				run(t, p[i], p[1-i])
			})
		}
	}
}

func TestSpecBindAfterConnect(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		early, late := open(t, socket.NewDealer(nil)), open(t, socket.NewDealer(nil))
		dial(t, early, endpoint)
		for _, m := range []string{"foobar", "baz", "buzz"} {
			send(t, early, m)
		}
		listen(t, late, endpoint)
		want(t, late, "foobar", "baz", "buzz")
		send(t, late, "and back")
		want(t, early, "and back")
	})
}

// Unbind ends the connections too; a wildcard given to Listen is taken as well as what it became, unlike libzmq's. Then the endpoint is free.
func TestSpecUnbind(t *testing.T) {
	t.Parallel()
	for _, wildcard := range []bool{false, true} {
		push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		bound := together(t, "tcp://127.0.0.1:*", push, pull)
		send(t, push, "ABC")
		want(t, pull, "ABC")
		name := bound
		if wildcard {
			name = "tcp://127.0.0.1:*"
		}
		if err := push.Unbind(name); err != nil {
			t.Fatal(err)
		}
		connected(t, push, 0)
		sendBlocks(t, push, "DEF")
		if left := push.Bound(); len(left) != 0 {
			t.Errorf("still bound: %q", left)
		}
		other := open(t, socket.NewPush(nil))
		listen(t, other, bound)
		send(t, other, "of another")
		want(t, pull, "of another")
	}
}

// After Unbind and another Listen the other side is back by itself.
func TestSpecRebind(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		server, client := open(t, socket.NewPair(nil)), open(t, socket.NewPair(&socket.Options{Immediate: true, ReconnectInterval: moment}))
		bound := together(t, endpoint, server, client)
		for range 3 {
			bounce(t, server, client)
			if err := server.Unbind(bound); err != nil {
				t.Fatal(err)
			}
			connected(t, client, 0)
			sendBlocks(t, server, "nobody")
			sendBlocks(t, client, "nobody")
			listen(t, server, bound)
			connected(t, client, 1)
		}
	})
}

func TestSpecLastEndpoint(t *testing.T) {
	t.Parallel()
	router := open(t, socket.NewRouter(nil))
	var all []string
	for _, transport := range []string{"tcp", "ipc", "inproc", "tcp"} {
		endpoint := vacant(t, transport)
		all = append(all, endpoint)
		if last := listen(t, router, endpoint); last != endpoint {
			t.Errorf("bound %q, want %q", last, endpoint)
		}
	}
	if got := router.Bound(); fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("bound %q, want %q", got, all)
	}
}

// Each side tells its story in order, with libzmq's numbers for the kinds, and the stop comes last.
func TestSpecMonitor(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		server, client := open(t, socket.NewRep(nil)), open(t, socket.NewReq(&socket.Options{ReconnectInterval: time.Hour}))
		bound := together(t, endpoint, server, client)
		bounce(t, server, client)
		_ = server.Close()
		event(t, client, socket.ConnectRetried)
		_ = client.Close()
		kinds := func(s socket.Socket) (all []int) {
			for e := range s.Events() {
				if e.Endpoint != bound && e.Kind != socket.MonitorStopped {
					t.Errorf("%+v", e)
				}
				all = append(all, int(e.Kind))
			}
			return all
		}
		got := kinds(server)
		for i, kind := range []int{0x8, 0x20, 0x1000} {
			if i >= len(got) || got[i] != kind {
				t.Fatalf("server: %#x", got)
			}
		}
		if last := got[len(got)-1]; last != 0x400 {
			t.Errorf("server: %#x", got)
		}
		if got = kinds(client); got[len(got)-1] != 0x400 {
			t.Errorf("client: %#x", got)
		}
	})
}

// The client's side of a loss and a return.
func TestSpecReconnect(t *testing.T) {
	t.Parallel()
	vacancies(t, func(t *testing.T, endpoint string) {
		s := newSub(t, &socket.Options{ReconnectInterval: time.Millisecond}, "")
		for round := range 2 {
			p := newPub(t, nil)
			listen(t, p, endpoint)
			if round == 0 {
				dial(t, s, endpoint)
			}
			for _, kind := range []socket.Kind{socket.Connected, socket.HandshakeSucceeded} {
				event(t, s, kind)
			}
			_ = p.Close()
			event(t, s, socket.Disconnected)
			if e := event(t, s, socket.ConnectRetried); e.Reason == nil || e.Delay <= 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}

// What each side says of itself in the handshake reaches the other, over every transport.
func TestSpecAppMetadata(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		rep := open(t, socket.NewRep(&socket.Options{Metadata: map[string]string{"X-hello": "world", "X-connection": "backup"}}))
		req := open(t, socket.NewReq(&socket.Options{Identity: "me", Metadata: map[string]string{"X-hello": "hello", "X-connection": "primary", "X-bin": "\x00\x01"}}))
		together(t, endpoint, rep, req)
		theirs := rep.Peers()[0]
		if m := theirs.Metadata; m["x-hello"] != "hello" || m["x-connection"] != "primary" || m["x-bin"] != "\x00\x01" || m["x-foobar"] != "" || theirs.Identity != "me" || theirs.Type != zmq4.Req {
			t.Errorf("%+v", theirs)
		}
		if m := req.Peers()[0].Metadata; m["x-hello"] != "world" || m["x-connection"] != "backup" {
			t.Errorf("%v", m)
		}
	})
}

// Every type answers a PING, with its context; and one that announced a time to live and then says nothing is given up.
func TestSpecHeartbeats(t *testing.T) {
	t.Parallel()
	eachPairing(t, func(t *testing.T, listener, dialer func(*socket.Options) socket.Socket) {
		s, as := open(t, listener(&socket.Options{HeartbeatInterval: moment})), string(dialer(nil).Type())
		r := connect(t, listen(t, s, anyPort)).handshake(as, 0)
		r.roundTrip()
		r.say(zmtp.AppendPing(nil, 100*time.Millisecond, nil))
		for r.next() != "EOF" { // PONG, perhaps PINGs, and then we are hung up on
		}
		if e := event(t, s, socket.Disconnected); !errors.Is(e.Reason, socket.ErrSilent) {
			t.Error(e.Reason)
		}
	})
}

func TestSpecInprocConnectBeforeBind(t *testing.T) {
	t.Parallel()
	endpoint := vacant(t, "inproc")
	p, s := newPub(t, nil), newSub(t, nil, "")
	dial(t, p, endpoint)
	send(t, p, "before: a publisher without subscribers keeps nothing")
	listen(t, s, endpoint)
	eventually(t, p, "the subscription", func() bool { return p.Subscribers(nil) == 1 })
	send(t, p, "after")
	want(t, s, "after")

	dealer, router := open(t, socket.NewDealer(&socket.Options{Identity: "me"})), open(t, socket.NewRouter(nil))
	endpoint = vacant(t, "inproc")
	dial(t, dealer, endpoint)
	send(t, dealer, "A", "B")
	listen(t, router, endpoint)
	want(t, router, "me|A|B")
	if err := open(t, socket.NewRouter(nil)).Listen(endpoint); err == nil {
		t.Error("two listeners of one name")
	}
}

// Many dial one name, before and while it is bound, each from a goroutine of its own, and leave.
func TestSpecInprocMultipleConnects(t *testing.T) {
	t.Parallel()
	const senders = 30
	endpoint := vacant(t, "inproc")
	pull := open(t, socket.NewPull(nil))
	var all sync.WaitGroup
	for range senders {
		push := open(t, socket.NewPush(nil))
		all.Go(func() {
			if err := errors.Join(push.Dial(endpoint), push.Send(text("foobar")), push.Shutdown(patient(t))); err != nil {
				t.Error(err)
			}
		})
	}
	listen(t, pull, endpoint)
	for range senders {
		want(t, pull, "foobar")
	}
	all.Wait()
	receiveBlocks(t, pull)
}

func TestSpecInprocSimultaneous(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 50 {
		endpoint := vacant(t, "inproc")
		one, other := open(t, socket.NewPair(nil)), open(t, socket.NewPair(nil))
		all.Go(func() { _ = one.Dial(endpoint) })
		all.Go(func() { _ = other.Listen(endpoint) })
		all.Go(func() {
			if err := other.SendContext(patient(t), text("foobar")); err != nil {
				t.Error(err)
			}
			if m, err := one.RecvContext(patient(t)); err != nil || joinFrames(m) != "foobar" {
				t.Error(m, err)
			}
		})
	}
	all.Wait()
}

// Subscribers come and go while others do, and nothing hangs or is left behind.
func TestSpecShutdownStress(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		p := newPub(t, nil)
		bound := listen(t, p, endpoint)
		var all sync.WaitGroup
		for range 100 {
			s := newSub(t, nil, "")
			all.Go(func() {
				_ = s.Dial(bound)
				_ = p.Send(text("x"))
				_ = s.Close()
			})
		}
		all.Wait()
		connected(t, p, 0)
	})
}

// An unconnected socket costs nothing that is left behind, used or not.
func TestSpecManySockets(t *testing.T) {
	t.Parallel()
	for range 200 {
		for _, p := range pairings {
			for _, build := range p {
				s := build(nil)
				dial(t, s, "inproc://where nobody ever is")
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// proxy runs a proxy until the test ends, or stop is called.
func proxy(t testing.TB, frontend, backend, capture socket.Socket) (p *socket.Proxy, stop func() error) {
	p = socket.NewProxy(frontend, backend, capture)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return p, stop
}

// Requests of several clients through ROUTER and DEALER to several workers, and the replies back to whom they belong.
func TestSpecProxy(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		router, dealer := open(t, socket.NewRouter(nil)), open(t, socket.NewDealer(nil))
		clients, all := many(t, 5, socket.NewReq)
		together(t, endpoint, router, all...)
		workers, all := many(t, 3, socket.NewRep)
		together(t, vacant(t, "inproc"), dealer, all...)
		for _, w := range workers {
			echo(t, w)
		}
		p, stop := proxy(t, router, dealer, nil)
		for round := range 10 {
			for i, c := range clients {
				send(t, c, fmt.Sprint(i), "", fmt.Sprint(round))
			}
			for i, c := range clients {
				want(t, c, fmt.Sprintf("%d||%d", i, round))
			}
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if s := p.Stats(); s.Frontend.MessagesIn != 50 || s.Frontend.MessagesOut != 50 || s.Backend.MessagesIn != 50 || s.Backend.MessagesOut != 50 {
			t.Errorf("%+v", s)
		}
	})
}

// libzmq's zmq_proxy takes one socket for both sides; so does ours.
func TestSpecProxySingleSocket(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		rep, req := open(t, socket.NewRep(nil)), open(t, socket.NewReq(nil))
		together(t, endpoint, rep, req)
		proxy(t, rep, rep, nil)
		for _, m := range []string{"msg1", "msg22"} {
			send(t, req, m)
			want(t, req, m)
		}
	})
}

// A proxy ends with its sockets, and paused it takes nothing: what is sent waits.
func TestSpecProxySteerable(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		in, front, back, out := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil)), open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		together(t, endpoint, front, in)
		together(t, vacant(t, "inproc"), back, out)
		p, stop := proxy(t, front, back, nil)
		send(t, in, "1")
		want(t, out, "1")
		p.Pause()
		send(t, in, "2")
		receiveBlocks(t, out)
		p.Resume()
		want(t, out, "2")
		_ = front.Close()
		if err := stop(); !errors.Is(err, socket.ErrClosed) && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Small marks everywhere between a sender and a receiver that does not read: the sender has to wait, and nothing is lost. (A full XPUB behind a
// proxy refuses, as in libzmq, which ProxyStats counts.)
func TestSpecProxyHWM(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		small := &socket.Options{SendHWM: 10, ReceiveHWM: 10}
		in, front, back, out := open(t, socket.NewPush(small)), open(t, socket.NewPull(small)), open(t, socket.NewPush(small)), open(t, socket.NewPull(small))
		together(t, vacant(t, "inproc"), front, in)
		together(t, endpoint, back, out)
		proxy(t, front, back, nil)
		payload, sent := string(make([]byte, 1<<18)), 0
		for ; !blocks(t, in, fmt.Sprint(sent), payload); sent++ {
			if sent == 1000 {
				t.Fatal("no mark holds")
			}
		}
		for i := range sent {
			want(t, out, fmt.Sprint(i)+"|"+payload)
		}
	})
}
