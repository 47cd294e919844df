package zmq_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
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

const anyPort = "tcp://127.0.0.1:0"

// overEach runs a test over every kind of endpoint.
func overEach(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	for name, endpoint := range map[string]string{
		"tcp":    anyPort,
		"ipc":    ipc(t),
		"inproc": "inproc://" + t.Name(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, endpoint)
		})
	}
}

// ipc returns an endpoint that is known, and nobody else's, before anything is bound to it.
func ipc(t testing.TB) string {
	t.Helper()
	return "ipc://" + filepath.Join(t.TempDir(), "s")
}

func open(t testing.TB, o *zmq.Options) *zmq.Transport {
	t.Helper()
	tr, err := zmq.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// pair returns a transport that publishes and one that is subscribed to its prefixes.
func pair(t testing.TB, endpoint string, prefixes ...string) (pub, sub *zmq.Transport) {
	t.Helper()
	pub = open(t, &zmq.Options{Publish: zmq.Bind(endpoint)})
	sub = open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...)})
	subscribe(t, sub, prefixes...)
	ready(t, sub)
	return pub, sub
}

func subscribe(t testing.TB, tr *zmq.Transport, prefixes ...string) {
	t.Helper()
	for _, prefix := range prefixes {
		if err := tr.Subscribe(prefix); err != nil {
			t.Fatal(err)
		}
	}
}

func ready(t testing.TB, tr transport.Transport) {
	t.Helper()
	eventually(t, tr, "ready", func() bool { return len(tr.Pending()) == 0 })
}

// eventually waits, from one change of the transport to the next, until the condition holds.
func eventually(t testing.TB, tr transport.Transport, what string, holds func() bool) {
	t.Helper()
	ctx := patient(t)
	for {
		changed := tr.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("never: %s; pending: %q", what, tr.Pending())
		}
	}
}

// event waits for the next event.
func event(t testing.TB, tr transport.Transport) transport.Event {
	t.Helper()
	select {
	case e, ok := <-tr.Events():
		if !ok {
			t.Fatal("the transport has ended")
		}
		return e
	case <-patient(t).Done():
		t.Fatal("no event")
	}
	return transport.Event{}
}

// fakeEnvelope begins like an envelope, which is all that a transport looks at.
func fakeEnvelope(size int) []byte { return append([]byte("\xC1FFR"), make([]byte, size-4)...) }

func message(topic string, payload ...string) *transport.Message {
	m := &transport.Message{Topic: topic, Envelope: fakeEnvelope(38)}
	for _, part := range payload {
		m.Payload = append(m.Payload, []byte(part))
	}
	return m
}

func publish(t testing.TB, tr transport.Transport, messages ...*transport.Message) {
	t.Helper()
	for _, m := range messages {
		if err := tr.Publish(m); err != nil {
			t.Fatal(err)
		}
	}
}

// receive returns the next n messages.
func receive(t testing.TB, tr transport.Transport, n int) []transport.Message {
	t.Helper()
	ctx, into := patient(t), make([]transport.Message, n)
	for got := 0; got < n; {
		more, err := tr.Receive(ctx, into[got:])
		if err != nil {
			t.Fatalf("after %d of %d: %v", got, n, err)
		}
		if more == 0 {
			t.Fatalf("after %d of %d Receive returned none", got, n)
		}
		got += more
	}
	return into
}

// text returns the payload with a bar between its parts.
func text(m transport.Message) string { return string(bytes.Join(m.Payload, []byte("|"))) }

// want receives messages and compares their topics and payloads.
func want(t testing.TB, tr transport.Transport, messages ...*transport.Message) {
	t.Helper()
	for i, got := range receive(t, tr, len(messages)) {
		if w := messages[i]; got.Topic != w.Topic || text(got) != text(*w) {
			t.Fatalf("received %q on %q, want %q on %q", text(got), got.Topic, text(*w), w.Topic)
		}
	}
}
