package main

import (
	"context"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// busyPeer is subscribed to everything and takes next to nothing.
func busyPeer(t *testing.T) *zmq.Transport {
	t.Helper()
	peer, err := zmq.New(&zmq.Options{Subscribe: zmq.Bind(anyPort), ReceiveHWM: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := peer.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	return peer
}

// publishMuch runs "fanfare pub" with far more events than the buffers of a connection have room for.
func publishMuch(t *testing.T, peer *zmq.Transport, flags ...string) *invocation {
	t.Helper()
	args := []string{"pub", "--connect", peer.Bound().Subscribe[0], "--count", "1000", "a", strings.Repeat("x", 64<<10)}
	return start(t, append(args, flags...)...)
}

func TestFlushTimeout(t *testing.T) {
	t.Parallel()
	pub := publishMuch(t, busyPeer(t), "--timeout", "2s")
	pub.exits(exitTimeout)
	for _, want := range []string{"timeout after 2s", "1 peers not flushed", "messages unwritten"} {
		if !strings.Contains(pub.stderr.String(), want) {
			t.Errorf("stderr is %q, want %q in it", pub.stderr, want)
		}
	}
}

// TestSubscriberLeaves ends a subscriber that has not got everything: its publisher ends well.
func TestSubscriberLeaves(t *testing.T) {
	t.Parallel()
	peer := busyPeer(t)
	pub := publishMuch(t, peer)
	if _, err := peer.Receive(context.Background(), make([]transport.Message, 1)); err != nil {
		t.Fatal(err)
	}
	if err := peer.Close(); err != nil {
		t.Fatal(err)
	}
	pub.exits(exitDone)
}
