package interop_test

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// Each side answers the heartbeats of the other for five seconds in which nothing else is said. Only one of them has heartbeats: those of
// the other would hide that an answer is missing.
func TestSocketHeartbeats(t *testing.T) {
	t.Parallel()
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		keepAlive(t, socket.Options{HeartbeatInterval: 200 * time.Millisecond, HeartbeatTimeout: 600 * time.Millisecond}, nil)
	})
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		keepAlive(t, socket.Options{HeartbeatInterval: -1}, heartbeats)
	})
}

// keepAlive watches all pairings through the same five seconds.
func keepAlive(t *testing.T, opts socket.Options, theirs map[string]any) {
	t.Helper()
	type couple struct {
		pairing
		ours   socket.Socket
		python *interop.Process
	}
	var couples []couple
	for i, p := range pairings {
		s := p.ours(t, &opts)
		spec := p.spec(nil)
		spec.Options, spec.Monitor = theirs, true
		couples = append(couples, couple{p, s, p.meet(t, s, spec, i%2 == 0, interop.AnyPort)})
	}
	for _, c := range couples {
		t.Log(c.name())
		c.python.Event("HANDSHAKE_SUCCEEDED")
		idle(t, c.python)
		if stats := c.ours.Stats(); stats.Disconnects > 0 || stats.Peers != 1 {
			t.Errorf("%s: %+v", c.name(), stats)
		}
		if c.role == gives || c.role == asks {
			c.exchange(t, c.ours, c.python, [][]any{{"still here"}}, true)
		}
	}
}

// Each side reads what the other says about itself in the handshake.
func TestMetadata(t *testing.T) {
	t.Parallel()
	s := pairing{open: as(socket.NewPush)}.ours(t, &socket.Options{Metadata: map[string]string{"X-Name": "ours"}})
	listen(t, s, interop.AnyPort)
	python := interop.Socket(t, interop.Spec{
		Type: "PULL", Connect: s.Bound(), Property: "X-Name", Options: map[string]any{"METADATA": "X-Name:theirs"},
	})
	python.Ready()
	give(t, s, []any{"message"})
	if line := python.Line(); line != "property ours" {
		t.Errorf("libzmq read %q", line)
	}
	want(t, python, "message")
	if peers := s.Peers(); len(peers) != 1 || peers[0].Metadata["x-name"] != "theirs" {
		t.Errorf("%+v", peers)
	}
}

// Routing ids are those that the other side has chosen.
func TestIdentity(t *testing.T) {
	t.Parallel()
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		s := pairing{open: as(socket.NewDealer)}.ours(t, &socket.Options{Identity: "ours"})
		listen(t, s, interop.AnyPort)
		python := interop.Socket(t, interop.Spec{Type: "ROUTER", Connect: s.Bound(), Echo: true})
		give(t, s, []any{"message"})
		want(t, python, "ours", "message")
		inARow(t, func() []any { return receive(t, s) }, [][]any{{"message"}}, false)
	})
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		s := pairing{open: as(socket.NewRouter)}.ours(t, &socket.Options{Mandatory: true})
		listen(t, s, interop.AnyPort)
		python := interop.Socket(t, interop.Spec{Type: "DEALER", Connect: s.Bound(), Options: map[string]any{"ROUTING_ID": "theirs"}})
		reachable(t, s)
		give(t, s, []any{"theirs", "message"}) // it is known before it says anything
		want(t, python, "message")
	})
}

// A libzmq SUB sends every SUBSCRIBE, but of the CANCELs for the same prefix only the last.
func TestSubscribedTwice(t *testing.T) {
	t.Parallel()
	spec := interop.Spec{
		Type: "SUB", Every: 500, // so that the subscription is seen
		Later: [][2]any{{"SUBSCRIBE", "a"}, {"SUBSCRIBE", "a"}, {"UNSUBSCRIBE", "a"}, {"UNSUBSCRIBE", "a"}},
	}
	t.Run("PUB", func(t *testing.T) {
		t.Parallel()
		interop.Require(t)
		s := socket.NewPub(nil)
		t.Cleanup(func() { _ = s.Close() })
		listen(t, s, interop.AnyPort)
		spec := spec
		spec.Connect = s.Bound()
		interop.Socket(t, spec)
		for _, subscribers := range []int{1, 0} {
			eventually(t, s, "a subscriber comes, and goes", func() bool { return s.Subscribers([]byte("a")) == subscribers })
		}
		if peers := s.Peers(); len(peers) != 1 {
			t.Errorf("%+v", peers)
		}
	})
	for name, told := range map[string][][]any{
		"XPUB":         {{"\x01a"}, {"\x00a"}},
		"verbose XPUB": {{"\x01a"}, {"\x01a"}, {"\x00a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pairing{open: as(socket.NewXPub)}.ours(t, &socket.Options{Verbose: len(told) == 3})
			listen(t, s, interop.AnyPort)
			spec := spec
			spec.Connect = s.Bound()
			interop.Socket(t, spec)
			inARow(t, func() []any { return receive(t, s) }, told, false)
		})
	}
}
