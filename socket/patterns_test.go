package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// overEach runs a test over each transport, with an endpoint to listen on.
func overEach(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	for name, endpoint := range map[string]string{
		"tcp":    anyPort,
		"ipc":    "ipc://" + filepath.Join(t.TempDir(), "s"),
		"inproc": "inproc://" + t.Name(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, endpoint)
		})
	}
}

// blocks says whether a message cannot be sent now.
func blocks(t testing.TB, s socket.Socket, frames ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.SendContext(ctx, text(frames...))
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return err != nil
}

func connected(t testing.TB, s socket.Socket, peers int) {
	t.Helper()
	eventually(t, s, fmt.Sprint(peers, " peers"), func() bool { return len(s.Peers()) == peers })
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		push := open(t, socket.NewPush(nil))
		at := listen(t, push, endpoint)
		if !blocks(t, push, "to nobody") {
			t.Error("sent to nobody")
		}
		var pulls []*socket.Pull
		for range 3 {
			pull := open(t, socket.NewPull(nil))
			dial(t, pull, at)
			pulls = append(pulls, pull)
		}
		connected(t, push, 3)
		large := strings.Repeat("large", 10_000)
		for i := range 6 {
			send(t, push, "", fmt.Sprint(i/3), large)
		}
		for round := range 2 {
			for _, pull := range pulls {
				want(t, pull, fmt.Sprint("|", round, "|"+large))
			}
		}
	})
}

// What a peer that is gone has not been sent goes to the others, and nothing is lost while there is nobody.
func TestPushLosesNothingQueued(t *testing.T) {
	t.Parallel()
	const messages = 500
	push := open(t, socket.NewPush(nil))
	at := listen(t, push, anyPort)
	r := connect(t, at).handshake("PULL", 0) // never reads
	connected(t, push, 1)
	payload := strings.Repeat("x", 100_000)
	for i := range messages {
		send(t, push, fmt.Sprint(i), payload)
	}
	if peer := push.Peers()[0]; peer.Queued == 0 {
		t.Fatalf("%+v", peer)
	}
	_ = r.Close()
	connected(t, push, 0)
	waiting, written := push.Stats().Queued, int(push.Stats().Sent)
	if waiting+written != messages || waiting == 0 {
		t.Fatalf("%d wait, %d written", waiting, written)
	}
	pull := open(t, socket.NewPull(nil))
	dial(t, pull, at)
	for i := written; i < messages; i++ {
		want(t, pull, fmt.Sprint(i)+"|"+payload)
	}
}

func TestMessagesWaitForDialledPeers(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		if endpoint == anyPort {
			free := open(t, socket.NewPull(nil))
			endpoint = listen(t, free, anyPort)
			_ = free.Close()
		}
		push := open(t, socket.NewPush(&socket.Options{SendHWM: 3, ReconnectInterval: time.Millisecond}))
		dial(t, push, endpoint)
		for i := range 3 {
			send(t, push, fmt.Sprint(i))
		}
		if !blocks(t, push, "too many") {
			t.Error("more than the mark are waiting")
		}
		pull := open(t, socket.NewPull(nil))
		listen(t, pull, endpoint)
		want(t, pull, "0", "1", "2")
		immediate := open(t, socket.NewPush(&socket.Options{Immediate: true}))
		dial(t, immediate, "inproc://nobody-"+t.Name())
		if !blocks(t, immediate, "x") {
			t.Error("Immediate waits for a connection")
		}
	})
}

func TestRequestReply(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		req, rep := open(t, socket.NewReq(&socket.Options{Correlate: true})), open(t, socket.NewRep(nil))
		dial(t, req, listen(t, rep, endpoint))
		for i := range 100 {
			send(t, req, "", fmt.Sprint(i), "")
			want(t, rep, fmt.Sprintf("|%d|", i))
			send(t, rep, "", "answer", fmt.Sprint(i))
			want(t, req, fmt.Sprint("|answer|", i))
		}
		for name, err := range map[string]error{"Recv of REQ": second(req.Recv()), "Send of REP": rep.Send(text("x"))} {
			if !errors.Is(err, socket.ErrState) {
				t.Error(name, err)
			}
		}
		send(t, req, "one")
		if err := req.Send(text("two")); !errors.Is(err, socket.ErrState) {
			t.Error(err)
		}
		want(t, rep, "one")
		if err := second(rep.Recv()); !errors.Is(err, socket.ErrState) {
			t.Error(err)
		}
		_ = rep.Close()
		if err := second(req.RecvContext(patient(t))); !errors.Is(err, socket.ErrPeerLost) {
			t.Error(err)
		}
		other := open(t, socket.NewRep(nil))
		listen(t, other, endpoint)
		if endpoint == anyPort {
			dial(t, req, other.Bound()[0])
		}
		send(t, req, "again")
		want(t, other, "again")
	})
}

func second(_ zmq4.Msg, err error) error { return err }

func TestRouterDealer(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		router := open(t, socket.NewRouter(&socket.Options{Mandatory: true}))
		at := listen(t, router, endpoint)
		if err := router.Send(text("ann", "x")); !errors.Is(err, socket.ErrUnroutable) {
			t.Error(err)
		}
		dealer := open(t, socket.NewDealer(&socket.Options{Identity: "ann"}))
		dial(t, dealer, at)
		send(t, dealer, "", "question")
		want(t, router, "ann||question")
		send(t, router, "ann", "", "answer")
		want(t, dealer, "|answer")
		twin := open(t, socket.NewDealer(&socket.Options{Identity: "ann", ReconnectInterval: time.Hour}))
		dial(t, twin, at)
		if e := event(t, router, socket.HandshakeFailed); !errors.Is(e.Reason, socket.ErrIdentityInUse) {
			t.Error(e)
		}
		nameless := open(t, socket.NewDealer(nil))
		dial(t, nameless, at)
		send(t, nameless, "hello")
		m, err := router.RecvContext(patient(t))
		if err != nil || len(m.Frames) != 2 || len(m.Frames[0]) != 5 || m.Frames[0][0] != 0 {
			t.Fatal(m, err)
		}
		if p, ok := router.Peer(m.Frames[0]); !ok || p.Type != zmq4.Dealer {
			t.Error(p, ok)
		}
		send(t, router, string(m.Frames[0]), "hello yourself")
		want(t, nameless, "hello yourself")
	})
}

func TestPair(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		a, b := open(t, socket.NewPair(nil)), open(t, socket.NewPair(nil))
		dial(t, b, listen(t, a, endpoint))
		send(t, b, "ping")
		want(t, a, "ping")
		send(t, a, "", "pong")
		want(t, b, "|pong")
		third := open(t, socket.NewPair(&socket.Options{ReconnectInterval: time.Hour}))
		dial(t, third, a.Bound()[0])
		if e := event(t, a, socket.HandshakeFailed); !errors.Is(e.Reason, socket.ErrPaired) {
			t.Error(e)
		}
	})
}

func TestXPubXSub(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		xpub, xsub, sub := open(t, socket.NewXPub(nil)), open(t, socket.NewXSub(nil)), newSub(t, nil, "a")
		at := listen(t, xpub, endpoint)
		dial(t, xsub, at)
		send(t, xsub, "\x01a")
		want(t, xpub, "\x01a")
		dial(t, sub, at)
		ready(t, sub)
		send(t, xsub, "user", "message")
		want(t, xpub, "user|message")
		send(t, xpub, "a", "1")
		want(t, xsub, "a|1")
		want(t, sub, "a|1")
		_ = sub.Close()
		send(t, xsub, "\x00a")
		want(t, xpub, "\x00a")
	})
}

func TestConflate(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(&socket.Options{Conflate: true}))
		dial(t, push, listen(t, pull, endpoint))
		const messages = 1000
		for i := range messages {
			send(t, push, "last", fmt.Sprint(i))
		}
		for {
			if got := receive(t, pull); got == fmt.Sprint("last|", messages-1) {
				break
			}
		}
		_ = pull.Close() // now its reader has counted
		if s := pull.Stats(); s.Received != messages || s.Dropped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNoDrop(t *testing.T) {
	t.Parallel()
	p := open(t, socket.NewXPub(&socket.Options{NoDrop: true, SendHWM: 10}))
	at := listen(t, p, anyPort)
	healthy := newSub(t, nil, "")
	dial(t, healthy, at)
	want(t, p, "\x01")
	stalled := connect(t, at).handshake("SUB", 0)
	stalled.say([]byte("\x00\x01\x01"))
	eventually(t, p, "two subscribers", func() bool { return p.Subscribers([]byte("x")) == 2 })
	payload, n := strings.Repeat("x", 100_000), 0
	for ; ; n++ {
		if err := p.Send(text(payload)); err != nil {
			if !errors.Is(err, socket.ErrFull) {
				t.Fatal(err)
			}
			break
		}
		want(t, healthy, payload)
	}
	if s := p.Stats(); s.Dropped != 0 || n < 10 {
		t.Errorf("after %d: %+v", n, s)
	}
	go func() { _, _ = io.Copy(io.Discard, stalled) }() // stalled no more
	eventually(t, p, "room", func() bool { return p.Send(text(payload)) == nil })
}

// Over inproc the buffer may be reused after Send, and what was sent before Close arrives.
func TestInprocKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(&socket.Options{ReceiveHWM: 1}))
	dial(t, push, listen(t, pull, "inproc://"+t.Name()))
	connected(t, push, 1)
	buf := []byte("message 0")
	const messages = 12
	for i := range messages {
		buf[8] = byte('a' + i)
		if err := push.Send(zmq4.NewMsg(buf)); err != nil {
			t.Fatal(err)
		}
	}
	if err := push.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		want(t, pull, fmt.Sprintf("message %c", 'a'+i))
	}
}

func TestUnbindAndDisconnect(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		push, pull := open(t, socket.NewPush(nil)), open(t, socket.NewPull(nil))
		at := listen(t, pull, endpoint)
		dial(t, push, at)
		connected(t, push, 1)
		send(t, push, "before")
		if err := push.Disconnect(at); err != nil {
			t.Fatal(err)
		}
		want(t, pull, "before")
		connected(t, push, 0)
		if !blocks(t, push, "nobody") {
			t.Error("sent after Disconnect")
		}
		dial(t, push, at)
		connected(t, pull, 1)
		if err := pull.Unbind(at); err != nil {
			t.Fatal(err)
		}
		connected(t, pull, 0)
		var bad *socket.EndpointError
		if err := pull.Unbind(at); !errors.As(err, &bad) || bad.Op != "unbind" {
			t.Error(err)
		}
		if err := push.Disconnect("tcp://192.0.2.1:1"); !errors.As(err, &bad) || bad.Op != "disconnect" {
			t.Error(err)
		}
		listen(t, pull, at)
		send(t, push, "again")
		want(t, pull, "again")
	})
}

// A buffer may be reused while the message still waits for its peer.
func TestWaitingMessagesAreCopies(t *testing.T) {
	t.Parallel()
	push, at := open(t, socket.NewPush(nil)), "inproc://"+t.Name()
	dial(t, push, at)
	small, large := []byte("message 0"), []byte(strings.Repeat("x", zmtp.LargeFrame))
	for i := range 3 {
		small[8], large[0] = byte('a'+i), byte('a'+i)
		if err := push.Send(zmq4.NewMsgFrom(small, large)); err != nil {
			t.Fatal(err)
		}
	}
	pull := open(t, socket.NewPull(nil))
	listen(t, pull, at)
	for i := range 3 {
		large[0] = byte('a' + i)
		want(t, pull, fmt.Sprintf("message %c|%s", 'a'+i, large))
	}
}

// An XSUB passes every subscription on, for an XPUB with Verbose, and only the last end of a prefix.
func TestXSubPassesEverySubscriptionOn(t *testing.T) {
	t.Parallel()
	xsub := open(t, socket.NewXSub(nil))
	r := connect(t, listen(t, xsub, anyPort)).handshake("XPUB", 0)
	connected(t, xsub, 1)
	for _, m := range []string{"\x01a", "\x01a", "\x00a", "\x00a", "\x00a", "end"} {
		send(t, xsub, m)
	}
	r.want("\x01a", "\x01a", "\x00a", "end")
}

func TestHeartbeatTTL(t *testing.T) {
	t.Parallel()
	for ttl, w := range map[time.Duration]string{
		0:               "\x00\x03", // the timeout, 300 ms
		2 * time.Second: "\x00\x14",
		-1:              "\x00\x00",
	} {
		pull := open(t, socket.NewPull(&socket.Options{HeartbeatInterval: 10 * time.Millisecond, HeartbeatTimeout: 300 * time.Millisecond, HeartbeatTTL: ttl}))
		r := connect(t, listen(t, pull, anyPort)).handshake("PUSH", 1)
		r.want("/\x04PING" + w)
	}
}
