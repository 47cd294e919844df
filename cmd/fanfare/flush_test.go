package main

import (
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/transport/zmq"
)

// TestFlushTimeout publishes more than a peer that reads nothing can take.
func TestFlushTimeout(t *testing.T) {
	t.Parallel()
	peer, err := zmq.New(&zmq.Options{Subscribe: zmq.Bind(anyPort), ReceiveHWM: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if err := peer.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	const payload, count = 64 << 10, "1000" // far more than the buffers of a connection
	pub := start(t, "pub", "--connect", peer.Bound().Subscribe[0], "--timeout", "500ms", "--count", count, "a", strings.Repeat("x", payload))
	pub.exits(exitTimeout)
	for _, want := range []string{"timeout after 500ms", "1 peers not flushed", "messages unwritten"} {
		if !strings.Contains(pub.stderr.String(), want) {
			t.Errorf("stderr is %q, want %q in it", pub.stderr, want)
		}
	}
}

// TestSubscriberLeaves ends a subscriber that has not got everything: its publisher reports that, and ends well.
func TestSubscriberLeaves(t *testing.T) {
	t.Parallel()
	peer, err := zmq.New(&zmq.Options{Subscribe: zmq.Bind(anyPort), ReceiveHWM: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if err := peer.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	pub := start(t, "pub", "--connect", peer.Bound().Subscribe[0], "--count", "1000", "a", strings.Repeat("x", 64<<10))
	pub.stderr.line("peer up")
	if err := peer.Close(); err != nil {
		t.Fatal(err)
	}
	pub.exits(exitDone)
}
