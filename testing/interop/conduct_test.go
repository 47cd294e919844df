package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// heartbeats make libzmq hang up on a peer that answers no PING for 0.6 seconds.
var heartbeats = map[string]any{"HEARTBEAT_IVL": 200, "HEARTBEAT_TIMEOUT": 600, "HEARTBEAT_TTL": 600}

// idle watches a libzmq socket through 25 ticks of 0.2 seconds in which it must not lose its peer.
func idle(t *testing.T, python *interop.Process) {
	t.Helper()
	for ticks := 0; ticks < 25; {
		switch line := python.Line(); line {
		case "tick":
			ticks++
		case "event DISCONNECTED":
			t.Fatalf("hung up after %d ticks", ticks)
		}
	}
}

// libzmq's heartbeats are answered, by a PUB and by a SUB that have nothing else to say.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	t.Run("our PUB", func(t *testing.T) {
		t.Parallel()
		b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort), Plain: true})
		python := interop.Socket(t, interop.Spec{
			Type: "SUB", Connect: tr.Bound().Publish, Subscribe: []string{"a"}, Options: heartbeats, Monitor: true,
		})
		pub := newPublisher(t, b, text("a"), 1)
		idle(t, python)
		send(t, pub, "still here")
		want(t, python, "a", "still here")
	})
	t.Run("our SUB", func(t *testing.T) {
		t.Parallel()
		b, tr := join(t, zmq.Options{Subscribe: zmq.Bind(interop.AnyPort)})
		told := notices(b)
		sub, _ := collect(t, b, prefix("a"))
		python := interop.Socket(t, interop.Spec{Type: "PUB", Connect: tr.Bound().Subscribe, Options: heartbeats, Monitor: true})
		if err := sub.WaitPublishers(interop.Patient(t), 1); err != nil {
			t.Fatal(err)
		}
		notice[bus.PeerUp](t, told)
		idle(t, python)
		if len(told) != 0 {
			t.Error(<-told)
		}
	})
}

// Sockets that do not belong together are refused, by whoever sees it first, and the others do not notice.
func TestIncompatiblePeers(t *testing.T) {
	t.Parallel()
	server := interop.Socket(t, interop.Spec{Type: "REP", Bind: []string{interop.AnyPort}, Monitor: true})
	healthy := interop.Socket(t, interop.Spec{Type: "PUB", Bind: []string{interop.AnyPort}, Send: [][]any{{"a", "well"}}})
	b, tr := join(t, zmq.Options{Subscribe: zmq.Bind(interop.AnyPort).Connect(server.Ready()[0], healthy.Ready()[0])})
	told := notices(b)
	_, events := collect(t, b, prefix(""))
	push := interop.Socket(t, interop.Spec{Type: "PUSH", Connect: tr.Bound().Subscribe, Monitor: true})
	for _, wrong := range []*interop.Process{server, push} {
		for line := ""; line != "event DISCONNECTED" && !strings.HasPrefix(line, "event HANDSHAKE_FAILED"); {
			line = wrong.Line()
		}
	}
	for range 10 {
		if e := interop.Next(t, events); e.Value != "well" {
			t.Fatalf("%v", e)
		}
	}
	_ = b.Close()
	<-b.Done() // all notices have been told
	for len(told) > 0 {
		if up, ok := (<-told).(bus.PeerUp); ok && up.Peer.Role != "PUB" {
			t.Errorf("%v", up)
		}
	}
	if s := tr.Stats(); s.BadPeers == 0 {
		t.Errorf("%+v", s)
	}
}

// A subscriber with very many subscriptions gets what it asked for, all of it.
func TestManySubscriptions(t *testing.T) {
	t.Parallel()
	const subscriptions = 1500
	var prefixes []string
	for i := range subscriptions {
		prefixes = append(prefixes, fmt.Sprintf("many.%04d", i))
	}
	b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort), SendHWM: -1, Plain: true})
	python := interop.Socket(t, interop.Spec{
		Type: "SUB", Connect: tr.Bound().Publish, Subscribe: prefixes,
		Options: map[string]any{"SNDHWM": 0, "RCVHWM": 0}, // or libzmq itself forgets those beyond 1000
	})
	for _, name := range prefixes {
		send(t, newPublisher(t, b, text(name), 1), "to "+name)
	}
	for _, name := range prefixes {
		want(t, python, name, "to "+name)
	}
}
