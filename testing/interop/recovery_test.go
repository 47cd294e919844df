package interop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// A publisher of ours is killed and started again. Subscribers of both kinds go on by themselves, and ours tells of the new source.
func TestGoPublisherKilled(t *testing.T) {
	t.Parallel()
	at := interop.IPC(t)
	b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(at)})
	told := notices(b)
	_, events := collect(t, b, mortal)
	python := interop.Socket(t, interop.Spec{Type: "SUB", Connect: []string{at}, Subscribe: []string{"mortal"}})
	python.Ready()

	child := interop.Child(t, "publisher", at)
	child.Ready()
	before := interop.Next(t, events)
	python.Message()
	child.Kill()
	notice[bus.PeerDown](t, told)

	child.Restart()
	child.Ready()
	after := interop.Next(t, events)
	for after.Value == before.Value { // those that were still under way
		after = interop.Next(t, events)
	}
	if n := notice[bus.NewSource](t, told); n.Source != after.Source() || n.Source == before.Source() || n.Topic != "mortal" {
		t.Errorf("%+v, after %s came %s", n, before.Source(), after.Source())
	}
	for python.Message()[2] != after.Value {
	}
	if s := b.Stats(); s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// A publisher in Python is killed and started again. Ours goes on by itself.
func TestPythonPublisherKilled(t *testing.T) {
	t.Parallel()
	at := interop.IPC(t)
	b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(at)})
	told := notices(b)
	_, events := collect(t, b, prefix("life"))
	for _, life := range []string{"first", "second"} {
		python := interop.Socket(t, interop.Spec{Type: "PUB", Bind: []string{at}, Send: [][]any{{"life", life}}})
		for interop.Next(t, events).Value != life {
		}
		if up := notice[bus.PeerUp](t, told); !up.Peer.Plain || up.Peer.Role != "PUB" {
			t.Errorf("%+v", up)
		}
		python.Kill()
		notice[bus.PeerDown](t, told)
	}
}

// Events are lost while the connection is cut. The first event of each topic afterwards tells which ones.
func TestGapAfterCut(t *testing.T) {
	t.Parallel()
	publishing, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort)})
	way := network.NewLink(t, tr.Bound().Publish[0])
	b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(way.Endpoint()), ReconnectInterval: 10 * time.Millisecond})
	told := notices(b)
	sub, events := collect(t, b, prefix("gap."))
	if err := sub.Ready(interop.Patient(t)); err != nil {
		t.Fatal(err)
	}
	one, two := newPublisher(t, publishing, text("gap.one"), 1), newPublisher(t, publishing, text("gap.two"), 1)
	arrive := func(seqs ...uint64) {
		t.Helper()
		for _, seq := range seqs {
			if e := interop.Next(t, events); e.Seq() != seq {
				t.Fatalf("%v, want number %d", e, seq)
			}
		}
	}
	send(t, one, "1", "2", "3")
	send(t, two, "1")
	arrive(1, 2, 3, 1)

	way.Reset()
	notice[bus.PeerDown](t, told)
	send(t, one, "4")
	send(t, two, "2", "3")
	way.Heal()
	notice[bus.PeerUp](t, told)
	if err := sub.Ready(interop.Patient(t)); err != nil {
		t.Fatal(err)
	}
	send(t, one, "5")
	send(t, two, "4")
	arrive(5, 4)
	for _, want := range []bus.Gap{
		{Source: publishing.Source(), Topic: "gap.one", From: 4, To: 4},
		{Source: publishing.Source(), Topic: "gap.two", From: 2, To: 3},
	} {
		if got := notice[bus.Gap](t, told); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if s := b.Stats(); s.Lost != 3 || s.Duplicate != 0 {
		t.Errorf("%+v", s)
	}
}

// Three publishers and three subscribers, of both kinds, each connected to all of the others.
func TestMesh(t *testing.T) {
	t.Parallel()
	const events = 100
	python := interop.Socket(t, interop.Spec{Type: "PUB", Bind: []string{interop.AnyPort}, Send: [][]any{{"mesh.python", "again"}}})
	enveloped, first := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort)})
	plain, second := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort), Plain: true})
	at := []string{python.Ready()[0], first.Bound().Publish[0], second.Bound().Publish[0]}

	ours, _ := join(t, zmq.Options{Subscribe: zmq.Connect(at...)})
	sub, received := collect(t, ours, prefix("mesh."))
	if err := sub.Ready(interop.Patient(t)); err != nil {
		t.Fatal(err)
	}
	var theirs []*interop.Process
	for range 2 {
		theirs = append(theirs, interop.Socket(t, interop.Spec{Type: "SUB", Connect: at, Subscribe: []string{"mesh."}}))
	}
	one, two := newPublisher(t, enveloped, text("mesh.enveloped"), 3), newPublisher(t, plain, text("mesh.plain"), 3)
	for i := range events {
		send(t, one, fmt.Sprint(i))
		send(t, two, fmt.Sprint(i))
	}

	readers := map[string]func() (topic, value string){
		"ours": func() (string, string) {
			e := interop.Next(t, received)
			return e.Topic(), e.Value
		},
	}
	for i, p := range theirs {
		readers[fmt.Sprint("python ", i)] = func() (string, string) {
			frames := p.Message()
			return frames[0].(string), frames[len(frames)-1].(string)
		}
	}
	for name, read := range readers {
		count := map[string]int{}
		for count["mesh.python"] < 1 || count["mesh.enveloped"] < events || count["mesh.plain"] < events {
			topic, value := read()
			if topic != "mesh.python" && value != fmt.Sprint(count[topic]) {
				t.Fatalf("%s: %q on %s after %d", name, value, topic, count[topic])
			}
			count[topic]++
		}
	}
}
