package socket_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// huge is more than a connection holds, so that writing it to a peer that does not read never ends.
var huge = strings.Repeat("x", 8<<20)

// A peer that hangs up while we write has some messages, the next one has the others, and none comes twice.
func TestNothingTwiceAfterALoss(t *testing.T) {
	t.Parallel()
	const messages = 15_000
	push := open(t, socket.NewPush(&socket.Options{SendHWM: -1}))
	at := listen(t, push, anyPort)
	first := connect(t, at).handshake("PULL", 0)
	connected(t, push, 1)
	payload := strings.Repeat("x", 1000)
	for i := range messages {
		send(t, push, fmt.Sprint(i), payload)
	}
	if err := first.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	connected(t, push, 0)
	next := 0
	for m := first.next(); m != "EOF"; m = first.next() {
		if m != fmt.Sprint(next)+"|"+payload {
			t.Fatalf("%.20q as number %d", m, next)
		}
		next++
	}
	if next == messages {
		t.Fatal("the connection held everything")
	}
	second := connect(t, at).handshake("PULL", 0)
	for ; next < messages; next++ {
		second.want(fmt.Sprint(next) + "|" + payload)
	}
}

// What was not written to a peer that is gone does not wait for an application that receives slowly.
func TestLossWhileReaderIsPaused(t *testing.T) {
	t.Parallel()
	dealer := open(t, socket.NewDealer(&socket.Options{ReceiveHWM: 1, HeartbeatInterval: -1}))
	at := listen(t, dealer, anyPort)
	first := connect(t, at).handshake("DEALER", 0)
	connected(t, dealer, 1)
	for range 3 {
		send(t, dealer, huge)
	}
	for range 10 {
		first.say(zmtp.AppendFrame(nil, 0, []byte("not received")))
	}
	for ctx := patient(t); dealer.Peers()[0].Received == 0; runtime.Gosched() {
		if ctx.Err() != nil {
			t.Fatal("nothing was read")
		}
	}
	_ = first.Close()
	second := connect(t, at).handshake("DEALER", 0)
	second.want(huge)
}

// A request that was given up and comes back from a peer that is gone does not take the place of the current one.
func TestReplacedRequestComesBack(t *testing.T) {
	t.Parallel()
	req := open(t, socket.NewReq(&socket.Options{Relaxed: true, Correlate: true, HeartbeatInterval: -1}))
	at := listen(t, req, anyPort)
	var reps []*raw
	for i := range 3 {
		reps = append(reps, connect(t, at).handshake("REP", 0))
		connected(t, req, i+1)
	}
	send(t, req, huge)
	send(t, req, "second")
	_ = reps[0].Close()
	connected(t, req, 2)
	number := reps[1].next()[:4]
	reps[1].say(zmtp.AppendMessage(nil, [][]byte{[]byte(number), nil, []byte("answer")}))
	want(t, req, "answer")
}

// Shutdown goes on with what Unbind has begun.
func TestUnbindThenShutdown(t *testing.T) {
	t.Parallel()
	push := open(t, socket.NewPush(nil))
	at := listen(t, push, anyPort)
	r := connect(t, at).handshake("PULL", 0)
	connected(t, push, 1)
	for range 3 {
		send(t, push, huge)
	}
	if err := push.Unbind(at); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- push.Shutdown(patient(t)) }()
	r.want(huge, huge, huge, "EOF")
	_ = r.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The error counts each message once, whether it is with a peer or with none.
func TestFlushErrorCountsOnce(t *testing.T) {
	t.Parallel()
	push := open(t, socket.NewPush(nil))
	connect(t, listen(t, push, anyPort)).handshake("PULL", 0)
	connected(t, push, 1)
	for range 5 {
		send(t, push, huge)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var left *socket.FlushError
	if err := push.Shutdown(ctx); !errors.As(err, &left) {
		t.Fatal(err)
	}
	queued := 0
	for _, p := range left.Peers {
		queued += p.Queued
	}
	if queued != 5 {
		t.Errorf("%d of 5: %v", queued, left)
	}
}

// Who waits is told when Shutdown begins, not when it ends.
func TestShutdownEndsWaiting(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(context.Background())
	push, req := open(t, socket.NewPush(&socket.Options{SendHWM: 1})), open(t, socket.NewReq(nil))
	waits := map[string]chan error{"Send": make(chan error, 1), "Recv": make(chan error, 1)}
	shut := make(chan error, 2)
	for _, s := range []socket.Socket{push, req} {
		dial(t, s, "inproc://nobody-"+t.Name())
		send(t, s, "waits in the socket")
	}
	if !blocks(t, push, "more") {
		t.Fatal("sent more than the mark")
	}
	go func() { waits["Send"] <- push.Send(text("more")) }()
	go func() { waits["Recv"] <- second(req.Recv()) }()
	for _, s := range []socket.Socket{push, req} {
		go func() { shut <- s.Shutdown(ctx) }() // waits for a peer until the end of ctx
	}
	for name, ended := range waits {
		select {
		case err := <-ended:
			if !errors.Is(err, socket.ErrClosed) {
				t.Error(name, err)
			}
		case <-patient(t).Done():
			t.Error(name, "still waits")
		}
	}
	end()
	for range 2 {
		var left *socket.FlushError
		if err := <-shut; !errors.As(err, &left) {
			t.Error(err)
		}
	}
}

// What an XPUB is told last of a prefix is how things are, whoever subscribed.
func TestXPubTellsInOrder(t *testing.T) {
	t.Parallel()
	xpub := open(t, socket.NewXPub(nil))
	at := listen(t, xpub, anyPort)
	a, b := connect(t, at).handshake("SUB", 0), connect(t, at).handshake("SUB", 0)
	subscribe, cancel := zmtp.AppendSubscribe(nil, []byte("x")), zmtp.AppendCancel(nil, []byte("x"))
	a.say(zmtp.AppendSubscribe(nil, []byte("a")), subscribe, cancel)
	a.roundTrip()
	b.say(subscribe)
	b.roundTrip()
	want(t, xpub, "\x01a", "\x01x", "\x00x", "\x01x")
}

// A received message belongs to its receiver, large frames over inproc included.
func TestInprocSubscribersShareNothing(t *testing.T) {
	t.Parallel()
	pub, subs := newPub(t, nil), []*socket.Sub{newSub(t, nil, ""), newSub(t, nil, "")}
	at := listen(t, pub, "inproc://"+t.Name())
	for _, s := range subs {
		dial(t, s, at)
		ready(t, s)
	}
	send(t, pub, strings.Repeat("x", zmtp.LargeFrame))
	var frames [2][]byte
	for i, s := range subs {
		m, err := s.RecvContext(patient(t))
		if err != nil {
			t.Fatal(err)
		}
		frames[i] = m.Frames[0]
	}
	if frames[0][0] = 'Y'; frames[1][0] != 'x' {
		t.Error("a change at one is seen by the other")
	}
}

// A socket that keeps only the newest message never waits, nor for a peer that is still to come.
func TestConflateBeforeThePeer(t *testing.T) {
	t.Parallel()
	push := open(t, socket.NewPush(&socket.Options{Conflate: true, SendHWM: 3}))
	at := "inproc://" + t.Name()
	dial(t, push, at)
	for i := range 10 {
		if err := push.SendContext(patient(t), zmq4.NewMsgString(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	pull := open(t, socket.NewPull(nil))
	listen(t, pull, at)
	want(t, pull, "9")
	if n := push.Stats().Conflated; n != 9 {
		t.Errorf("%d messages replaced", n)
	}
}
