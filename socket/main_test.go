package socket_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a test that would otherwise hang. No test waits for it to pass.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newPub(t testing.TB, opts *socket.Options) *socket.Pub {
	t.Helper()
	p := socket.NewPub(opts)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func newSub(t testing.TB, opts *socket.Options, prefixes ...string) *socket.Sub {
	t.Helper()
	s := socket.NewSub(opts)
	t.Cleanup(func() { _ = s.Close() })
	for _, prefix := range prefixes {
		if err := s.Subscribe(prefix); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func listen(t testing.TB, s socket.Socket, endpoint string) string {
	t.Helper()
	if err := s.Listen(endpoint); err != nil {
		t.Fatal(err)
	}
	bound := s.Bound()
	return bound[len(bound)-1]
}

func dial(t testing.TB, s socket.Socket, endpoints ...string) {
	t.Helper()
	for _, endpoint := range endpoints {
		if err := s.Dial(endpoint); err != nil {
			t.Fatal(err)
		}
	}
}

const anyPort = "tcp://127.0.0.1:0"

// pair returns a listening PUB and a SUB that dials it and has its subscriptions confirmed.
func pair(t testing.TB, po, so *socket.Options, prefixes ...string) (*socket.Pub, *socket.Sub) {
	t.Helper()
	p, s := newPub(t, po), newSub(t, so, prefixes...)
	dial(t, s, listen(t, p, anyPort))
	ready(t, s)
	return p, s
}

func ready(t testing.TB, s *socket.Sub) {
	t.Helper()
	if err := s.Ready(patient(t)); err != nil {
		t.Fatal(err)
	}
}

// eventually waits, from one change of the socket to the next, until the condition holds.
func eventually(t testing.TB, s socket.Socket, what string, holds func() bool) {
	t.Helper()
	ctx := patient(t)
	for {
		changed := s.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// event waits for the next event of a kind and skips the others.
func event(t testing.TB, s socket.Socket, kind socket.Kind) socket.Event {
	t.Helper()
	ctx := patient(t)
	for {
		select {
		case e, ok := <-s.Events():
			if !ok {
				t.Fatalf("no event %q before the end", kind)
			}
			if e.Kind&kind != 0 {
				return e
			}
		case <-ctx.Done():
			t.Fatalf("no event %q", kind)
		}
	}
}

func text(frames ...string) zmq4.Msg { return zmq4.NewMsgFromString(frames) }

func send(t testing.TB, s socket.Socket, frames ...string) {
	t.Helper()
	if err := s.Send(text(frames...)); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next message, its frames joined by "|".
func receive(t testing.TB, s socket.Socket) string {
	t.Helper()
	m, err := s.RecvContext(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	joined := ""
	for i, f := range m.Frames {
		if i > 0 {
			joined += "|"
		}
		joined += string(f)
	}
	return joined
}

func want(t testing.TB, s socket.Socket, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if got := receive(t, s); got != m {
			t.Fatalf("received %q, want %q", got, m)
		}
	}
}

// open has a socket closed when the test is over.
func open[S socket.Socket](t testing.TB, s S) S {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	return s
}
