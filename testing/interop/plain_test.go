package interop_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/google/uuid"
)

// clients are the messages of the PUB that every tutorial begins with.
var clients = [][]any{{"client1", "message for client1"}, {"client2", "message for client2"}}

// A subscriber gets what it asked for and nothing else, whichever side comes first and whichever binds.
func TestTwoFramesFromPython(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, b *bus.Bus, events <-chan topic.Event[string]) {
		for range 20 {
			if e := interop.Next(t, events); e.Topic() != "client1" || e.Value != "message for client1" || e.Source() != uuid.Nil || e.Seq() != 0 {
				t.Fatalf("%v", e)
			}
		}
		if s := b.Stats(); s.Unmatched != 0 {
			t.Errorf("received what nobody asked for: %+v", s)
		}
	}
	t.Run("peer first", func(t *testing.T) {
		t.Parallel()
		python := interop.Socket(t, interop.Spec{Type: "PUB", Bind: []string{interop.AnyPort}, Send: clients})
		b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(python.Ready()...)})
		_, events := collect(t, b, prefix("client1"))
		check(t, b, events)
	})
	t.Run("bus first", func(t *testing.T) {
		t.Parallel()
		at := interop.IPC(t)
		b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(at)})
		_, events := collect(t, b, prefix("client1"))
		interop.Socket(t, interop.Spec{Type: "PUB", Bind: []string{at}, Send: clients})
		check(t, b, events)
	})
	t.Run("bus binds", func(t *testing.T) {
		t.Parallel()
		b, tr := join(t, zmq.Options{Subscribe: zmq.Bind(interop.AnyPort)})
		sub, events := collect(t, b, prefix("client1"))
		interop.Socket(t, interop.Spec{Type: "PUB", Connect: tr.Bound().Subscribe, Send: clients})
		if err := sub.WaitPublishers(interop.Patient(t), 1); err != nil {
			t.Fatal(err)
		}
		check(t, b, events)
	})
}

func TestTwoFramesToPython(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, b *bus.Bus, python *interop.Process) {
		second := newPublisher(t, b, text("client2"), 1)
		first := newPublisher(t, b, text("client1"), 0)
		for i := range 20 {
			send(t, first, "unwanted")
			send(t, second, fmt.Sprint(i), "")
		}
		for i := range 20 {
			want(t, python, "client2", fmt.Sprint(i))
			want(t, python, "client2", "")
		}
	}
	t.Run("bus binds", func(t *testing.T) {
		t.Parallel()
		b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort), Plain: true})
		check(t, b, interop.Socket(t, interop.Spec{Type: "SUB", Connect: tr.Bound().Publish, Subscribe: []string{"client2"}}))
	})
	t.Run("peer binds", func(t *testing.T) {
		t.Parallel()
		python := interop.Socket(t, interop.Spec{Type: "SUB", Bind: []string{interop.AnyPort}, Subscribe: []string{"client2"}})
		b, _ := join(t, zmq.Options{Publish: zmq.Connect(python.Ready()...), Plain: true})
		check(t, b, python)
	})
}

// A message of one frame has no topic: prefixes select it by its text.
func TestSingleFramesFromPython(t *testing.T) {
	t.Parallel()
	python := interop.Socket(t, interop.Spec{Type: "PUB", Bind: []string{interop.AnyPort}, Send: [][]any{{"10001 -5 43"}, {"10002 7 60"}}})
	b, _ := join(t, zmq.Options{Subscribe: zmq.Connect(python.Ready()...)})
	_, events := collect(t, b, prefix("10001"))
	for range 10 {
		if e := interop.Next(t, events); e.Topic() != "10001" || e.Value != "10001 -5 43" {
			t.Fatalf("%v", e)
		}
	}
}

// sizes are those around which ZMTP frames change their form, and a large one.
var sizes = []int{0, 1, 255, 256, 65536, 1 << 20}

func TestSizesFromPython(t *testing.T) {
	t.Parallel()
	var messages [][]any
	for _, size := range sizes {
		messages = append(messages, []any{fmt.Sprint("size ", size), size})
	}
	b, tr := join(t, zmq.Options{Subscribe: zmq.Bind(interop.AnyPort)})
	_, events := collect(t, b, topic.NewPrefix[[]byte]("size ").WithCodec(codec.Raw))
	interop.Socket(t, interop.Spec{Type: "PUB", Connect: tr.Bound().Subscribe, Send: messages, Every: 20})
	for missing := sizes; len(missing) > 0; {
		e := interop.Next(t, events)
		if e.Topic() != fmt.Sprint("size ", len(e.Value)) || !bytes.Equal(e.Value, interop.Pattern(len(e.Value))) {
			t.Fatalf("%d bytes on %q", len(e.Value), e.Topic())
		}
		if len(e.Value) == missing[0] { // they come in turns
			missing = missing[1:]
		}
	}
}

func TestSizesToPython(t *testing.T) {
	t.Parallel()
	b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort), Plain: true})
	python := interop.Socket(t, interop.Spec{Type: "SUB", Connect: tr.Bound().Publish, Subscribe: []string{"size"}})
	pub := newPublisher(t, b, topic.New[[]byte]("size").WithCodec(codec.Raw), 1)
	for _, size := range sizes {
		send(t, pub, interop.Pattern(size))
	}
	for _, size := range sizes {
		if size <= 100 {
			want(t, python, "size", string(interop.Pattern(size)))
		} else {
			want(t, python, "size", float64(size))
		}
	}
}
