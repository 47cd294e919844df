package zmq_test

import (
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
)

// Only the reply of a server that was asked, to a request that waits, is one.
func TestStrangeReplies(t *testing.T) {
	t.Parallel()
	routers := []*socket.Router{socket.NewRouter(nil), socket.NewRouter(nil)}
	var endpoints []string
	for _, r := range routers {
		defer func() { _ = r.Close() }()
		if err := r.Listen(anyPort); err != nil {
			t.Fatal(err)
		}
		endpoints = append(endpoints, r.Bound()...)
	}
	client := asking(t, 2, zmq.Options{Request: zmq.Connect(endpoints...)})
	e := exchange(t, client)
	type question struct {
		server  *socket.Router
		message zmq4.Msg
	}
	first := make(chan question)
	for _, r := range routers {
		go func() {
			if m, err := r.RecvContext(patient(t)); err == nil {
				first <- question{r, m}
			}
		}()
	}
	attempt(t, e, message("call", "question"))
	m := arrives(t, first)
	mine := m.server
	second := exchange(t, client)
	attempt(t, second, message("call", "to the other one"))
	n := arrives(t, first)
	other := n.server
	say := func(r *socket.Router, frames ...[]byte) {
		if err := r.Send(zmq4.NewMsgFrom(frames...)); err != nil {
			t.Fatal(err)
		}
	}
	peer := func(r *socket.Router) []byte { return r.Peers()[0].RoutingID }
	id := m.message.Frames[1]
	say(other, peer(other), id, nil, []byte("forged"))
	say(other, n.message.Frames[0], n.message.Frames[1], nil, []byte("behind the forged one"))
	if a := answer(t, second); text(a.Message) != "behind the forged one" {
		t.Errorf("%q", text(a.Message))
	}
	for _, strange := range [][][]byte{
		{id[1:], nil, []byte("short id")},
		{id, []byte("no empty frame"), []byte("x")},
		{id},
		{{1, 0, 0, 0, 0, 0, 0, 0}, nil, []byte("unknown id")},
		{nil, nil, nil},
	} {
		say(mine, append([][]byte{peer(mine)}, strange...)...)
	}
	say(mine, peer(mine), id, nil, []byte("good"))
	say(mine, peer(mine), id, nil, []byte("twice"))
	if a := answer(t, e); text(a.Message) != "good" || a.Message.Envelope != nil {
		t.Errorf("%q", text(a.Message))
	}
	third := exchange(t, client)
	attempt(t, third, message("call", "a"))
	attempt(t, third, message("call", "b")) // both have one: what they say next is behind what they said
	for _, r := range routers {
		m, err := r.RecvContext(patient(t))
		if err != nil {
			t.Fatal(err)
		}
		say(r, m.Frames[0], m.Frames[1], nil, []byte("last"))
		answer(t, third)
	}
	if _, more := e.Take(); more {
		t.Error("more than one reply")
	}
	if s := client.Stats(); s.LateReplies != 7 {
		t.Errorf("%d late replies, want 7", s.LateReplies)
	}
}

// An attempt goes to a server that was not asked yet, and of those to the one with the fewest under way.
func TestServersAreChosen(t *testing.T) {
	t.Parallel()
	a, fromA := serving(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	b, fromB := serving(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	client := asking(t, 2, zmq.Options{Request: zmq.Connect(a.Bound().Serve[0], b.Bound().Serve[0])})
	e := exchange(t, client)
	for left := range []int{2, 1, 0} {
		if got := e.Unasked(); got != max(2-left, 0) {
			t.Errorf("%d not asked, want %d", got, 2-left)
		}
		attempt(t, e, message("call", "x"))
	}
	from := map[answering]int{fromA: 1, fromB: 1}
	arrives(t, fromA)
	arrives(t, fromB)
	select {
	case <-fromA:
		from[fromA]++
	case <-fromB:
		from[fromB]++
	case <-patient(t).Done():
		t.Fatal("the third attempt does not arrive")
	}
	less := fromA
	if from[fromA] > from[fromB] {
		less = fromB
	}
	other := exchange(t, client)
	attempt(t, other, message("call", "y"))
	if r := arrives(t, less); text(*r.Message()) != "y" {
		t.Errorf("%q", text(*r.Message()))
	}
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		server, requests := serving(t, zmq.Options{Serve: zmq.Bind(endpoint)})
		client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
		answered, twice, other := exchange(t, client), exchange(t, client), exchange(t, client)
		for _, e := range []asked{answered, twice, twice, other} {
			attempt(t, e, message("call", "x"))
		}
		for i := range 4 {
			if r := arrives(t, requests); i == 0 {
				if err := r.Reply(message("call", "reply")); err != nil {
					t.Error(err)
				}
			}
		}
		if a := answer(t, answered); a.Err != nil {
			t.Error(a.Err)
		}
		_ = server.Close()
		for _, e := range []asked{twice, twice, other} {
			if a := answer(t, e); !errors.Is(a.Err, transport.ErrLost) {
				t.Errorf("%+v", a)
			}
		}
		if _, more := answered.Take(); more {
			t.Error("what was answered is lost as well")
		}
		if err := other.Send(message("call", "x")); err != transport.ErrNoPeer {
			t.Errorf("%v", err)
		}
		if missing := client.Unserved(); len(missing) != 1 {
			t.Errorf("%q", missing)
		}
		for _, e := range []asked{answered, twice, other} {
			e.End(nil)
		}
	})
}
