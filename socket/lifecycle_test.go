package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

func TestEndpointErrors(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil)
	var bad *socket.EndpointError
	for _, endpoint := range []string{"", "127.0.0.1:1", "udp://127.0.0.1:1", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://127.0.0.1:65536",
		"tcp://:1", "tcp://::1:1", "tcp://exa mple:1", "tcp://a*:1", "ipc://a\x00b", "ipc://", "ipc://@", "ipc://" + strings.Repeat("x", 200), "tcp://192.0.2.1:0"} {
		if err := s.Listen(endpoint); !errors.As(err, &bad) || bad.Endpoint != endpoint || bad.Op != "listen" {
			t.Errorf("Listen %q: %v", endpoint, err)
		}
	}
	for _, endpoint := range []string{"tcp://*:5555", "tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "inproc://"} {
		if err := s.Dial(endpoint); !errors.As(err, &bad) || bad.Op != "dial" {
			t.Errorf("Dial %q: %v", endpoint, err)
		}
	}
	if s.Addr() != nil {
		t.Error("an address without a listener")
	}
	bound := listen(t, s, anyPort)
	if err := newPub(t, nil).Listen(bound); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error("port in use:", err)
	}
	if "tcp://"+s.Addr().String() != bound {
		t.Errorf("Addr %v, bound %v", s.Addr(), bound)
	}
	if star := listen(t, s, "tcp://*:*"); !strings.HasPrefix(star, "tcp://*:") || strings.HasSuffix(star, ":0") {
		t.Error(star)
	}
}

func TestIPCTakeOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := newPub(t, nil).Listen("ipc://" + path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error("a live listener:", err)
	}
	if err := left.Close(); err != nil { // as if it had crashed: the path stays
		t.Fatal(err)
	}
	p, s := newPub(t, nil), newSub(t, nil, "")
	dial(t, s, listen(t, p, "ipc://"+path))
	ready(t, s)
}

func TestDialBeforeListenAndRestart(t *testing.T) {
	t.Parallel()
	path := "ipc://" + filepath.Join(t.TempDir(), "s")
	s := newSub(t, &socket.Options{ReconnectInterval: time.Millisecond, ReconnectMax: 5 * time.Millisecond}, "a")
	dial(t, s, path)
	if e := event(t, s, socket.ConnectRetried); e.Reason == nil || e.Endpoint != path || e.Delay <= 0 {
		t.Errorf("%+v", e)
	}
	for round := range 5 {
		if pending := s.Pending(); len(pending) != 1 || !strings.Contains(pending[0], "not connected") {
			t.Errorf("pending %q", pending)
		}
		p := newPub(t, nil)
		listen(t, p, path)
		eventually(t, s, "the publisher is back", func() bool { return s.Publishers() == 1 })
		send(t, p, "a", fmt.Sprint(round))
		want(t, s, fmt.Sprint("a|", round))
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, s, "the publisher is gone", func() bool { return len(s.Peers()) == 0 })
		_ = s.Subscribe(fmt.Sprint("a", round)) // while there is nobody
	}
}

func TestReadyTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil, "a")
	if err := s.Ready(t.Context()); err != nil {
		t.Error("nothing dialled:", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	endpoint := "tcp://" + l.Addr().String()
	dial(t, s, endpoint)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ready(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), endpoint) {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	p, s := pair(t, nil, nil, "")
	send(t, p, "unread")
	blocked := make(chan error, 1)
	quiet := newSub(t, nil)
	go func() { _, err := quiet.Recv(); blocked <- err }()
	for range 2 {
		for _, c := range []io.Closer{p, s, quiet} {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, recv := s.Recv()
	_, batch := s.RecvBatch(t.Context(), make([]zmq4.Msg, 1))
	_, sends := p.SendBatch(t.Context(), nil)
	for name, err := range map[string]error{
		"blocked Recv": <-blocked, "Recv": recv, "RecvBatch": batch, "Send": p.Send(text("x")), "SendBatch": sends, "Listen": p.Listen(anyPort), "Dial": s.Dial("tcp://127.0.0.1:1"),
		"Subscribe": s.Subscribe(""), "SetOption": s.SetOption(zmq4.OptionSubscribe, ""), "Ready": s.Ready(t.Context()), "Shutdown": p.Shutdown(t.Context()), "Send on SUB": s.Send(text("x")),
	} {
		if !errors.Is(err, socket.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	event(t, p, socket.MonitorStopped)
	if _, open := <-p.Events(); open {
		t.Error("events after the last")
	}
}

// Shutdown returns when everything has arrived, also at a reader that is slower than we are.
func TestShutdownFlushes(t *testing.T) {
	t.Parallel()
	const messages = 10_000
	p, s := pair(t, &socket.Options{SendHWM: -1}, &socket.Options{ReceiveHWM: 100}, "")
	payload := strings.Repeat("x", 1000)
	for i := range messages {
		send(t, p, fmt.Sprint(i), payload)
	}
	done := make(chan error, 1)
	go func() { done <- p.Shutdown(patient(t)) }()
	for i := range messages {
		if i == messages-200 {
			select {
			case err := <-done:
				t.Errorf("Shutdown returned before the last were received: %v", err)
			default:
			}
		}
		want(t, s, fmt.Sprint(i)+"|"+payload)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// For a plain peer flushed means: written, our side closed, and it hung up by itself. Its unread input does not cost it anything.
func TestShutdownPlainPeer(t *testing.T) {
	t.Parallel()
	const messages = 3000
	p := newPub(t, &socket.Options{SendHWM: -1})
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
	r.say(zmtp.AppendSubscribe(nil, nil))
	r.roundTrip()
	payload := strings.Repeat("x", 1000)
	for i := range messages {
		send(t, p, fmt.Sprint(i), payload)
	}
	done := make(chan error, 1)
	go func() { done <- p.Shutdown(patient(t)) }()
	for i := range messages {
		r.say(zmtp.AppendSubscribe(nil, fmt.Append(nil, i))) // would reset a connection that is simply closed
		r.want(fmt.Sprint(i) + "|" + payload)
	}
	r.want("EOF")
	_ = r.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{SendHWM: -1})
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
	r.say(zmtp.AppendSubscribe(nil, nil))
	r.roundTrip()
	payload := strings.Repeat("x", 1<<20)
	for range 50 {
		send(t, p, payload)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := p.Shutdown(ctx)
	var flush *socket.FlushError
	if !errors.As(err, &flush) || len(flush.Peers) != 1 || flush.Peers[0].Queued == 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Sent+s.Dropped != 50 || s.Dropped == 0 {
		t.Errorf("%+v", s)
	}
}

func TestCloseWithStalledPeer(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{SendHWM: -1})
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0)
	r.say(zmtp.AppendSubscribe(nil, nil))
	r.roundTrip()
	for range 50 {
		send(t, p, strings.Repeat("x", 1<<20))
	}
	if err := p.Close(); err != nil { // hangs if the writer's Write cannot be ended
		t.Fatal(err)
	}
}

func TestEventsDoNotBlock(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{EventBuffer: 1})
	for range 3 {
		listen(t, p, anyPort)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if n := p.Stats().EventsDropped; n != 6 { // three opened, three closed, the socket closed: seven, and room for one
		t.Errorf("%d events dropped, want 6", n)
	}
}

// A Shutdown that Close interrupts does not claim that everything was flushed.
func TestShutdownInterruptedByClose(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		p, _ := pair(t, &socket.Options{SendHWM: -1}, &socket.Options{ReceiveHWM: 1}, "")
		for range 100 {
			send(t, p, strings.Repeat("x", 100_000))
		}
		ended := make(chan error, 1)
		go func() { ended <- p.Shutdown(context.Background()) }()
		for p.Send(text("x")) == nil { // until Shutdown has begun
			runtime.Gosched()
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil {
			t.Fatalf("round %d: no error, %d messages dropped", i, p.Stats().Dropped)
		}
	}
}

// A peer that stops reading for good, and stays, loses its connection.
func TestPeerThatNeverReadsAgain(t *testing.T) {
	t.Parallel()
	p := newPub(t, nil)
	path := filepath.Join(t.TempDir(), "s")
	if err := p.Listen("ipc://" + path); err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	r := takeOver(t, nc).handshake("SUB", 0)
	r.say(zmtp.AppendSubscribe(nil, nil))
	r.roundTrip()
	if err := nc.(*net.UnixConn).CloseRead(); err != nil {
		t.Fatal(err)
	}
	send(t, p, "into the void")
	if e := event(t, p, socket.Disconnected); e.Reason == nil {
		t.Errorf("%+v", e)
	}
}

// During Shutdown a peer that has fallen silent is still found out, and the error counts what was lost with its connection.
func TestShutdownNoticesASilentPeer(t *testing.T) {
	t.Parallel()
	p := newPub(t, &socket.Options{SendHWM: -1, HeartbeatInterval: 500 * time.Millisecond, HeartbeatTimeout: 3 * time.Second})
	r := connect(t, listen(t, p, anyPort)).handshake("SUB", 0, "X-Fanfare=1")
	r.say(zmtp.AppendSubscribe(nil, nil))
	r.roundTrip()
	silent := make(chan struct{})
	go func() { // says something until Shutdown has begun, however long that takes
		defer close(silent)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for open := true; open; <-ticker.C {
			_, _ = r.Write(zmtp.AppendPong(nil, nil))
			_, err := p.SendBatch(context.Background(), nil)
			open = err == nil
		}
	}()
	send(t, p, strings.Repeat("x", 32<<20)) // more than the connection holds, and r reads no more
	err := p.Shutdown(patient(t))
	<-silent
	var left *socket.FlushError
	if !errors.As(err, &left) || !errors.Is(err, socket.ErrSilent) || left.Peers[0].Queued != 1 {
		t.Errorf("%v", err)
	}
}

// The waits between attempts double up to the maximum, each shortened at random by up to half.
func TestReconnectBacksOff(t *testing.T) {
	t.Parallel()
	const first, most = time.Millisecond, 8 * time.Millisecond
	s := newSub(t, &socket.Options{ReconnectInterval: first, ReconnectMax: most})
	dial(t, s, "ipc://"+filepath.Join(t.TempDir(), "nobody"))
	for i := range 8 {
		limit := min(first<<i, most)
		if d := event(t, s, socket.ConnectRetried).Delay; d < limit/2 || d > limit {
			t.Errorf("wait %d is %v, want %v to %v", i, d, limit/2, limit)
		}
	}
}

// A peer that refuses us with an ERROR says why.
func TestRefusedByThePeer(t *testing.T) {
	t.Parallel()
	s := newSub(t, nil)
	r := connect(t, listen(t, s, anyPort))
	r.say(greeting(0), command("ERROR", "\x03400"))
	var refused *zmtp.RefusedError
	if e := event(t, s, socket.HandshakeFailed); e.Kind != socket.HandshakeFailedAuth || !errors.As(e.Reason, &refused) || refused.Reason != "400" {
		t.Errorf("%v: %v", e.Kind, e.Reason)
	}
}
