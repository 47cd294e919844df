package zmq_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// answering is a transport.Server that hands requests to the test.
type answering chan transport.Request

func (a answering) Request(r transport.Request) { a <- r }

// serving returns a transport that serves at the endpoint, and the requests that come.
func serving(t testing.TB, o zmq.Options) (*zmq.Transport, answering) {
	t.Helper()
	tr, requests := open(t, &o), make(answering, 2000)
	if err := tr.Serve(requests); err != nil {
		t.Fatal(err)
	}
	return tr, requests
}

// asking returns a transport that has so many servers.
func asking(t testing.TB, servers int, o zmq.Options) *zmq.Transport {
	t.Helper()
	tr := open(t, &o)
	eventually(t, tr, "servers", func() bool { return tr.Servers() == servers })
	return tr
}

// asked is an exchange with the channel that it wakes its user by.
type asked struct {
	transport.Exchange
	woken chan struct{}
}

func exchange(t testing.TB, tr transport.Requester) asked {
	t.Helper()
	woken := make(chan struct{}, 1)
	e, err := tr.Exchange(woken)
	if err != nil {
		t.Fatal(err)
	}
	return asked{e, woken}
}

func attempt(t testing.TB, e transport.Exchange, m *transport.Message) {
	t.Helper()
	if err := e.Send(m); err != nil {
		t.Fatal(err)
	}
}

func answer(t testing.TB, e asked) transport.Answer {
	t.Helper()
	for {
		if a, ok := e.Take(); ok {
			return a
		}
		select {
		case <-e.woken:
		case <-patient(t).Done():
			t.Fatal("no answer")
		}
	}
}

func arrives[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-patient(t).Done():
		t.Fatal("nothing arrives")
	}
	return *new(T)
}

func TestRequestAndReply(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		server, requests := serving(t, zmq.Options{Serve: zmq.Bind(endpoint)})
		client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
		for i := range 100 {
			e := exchange(t, client)
			attempt(t, e, message("call", fmt.Sprint(i), "second part"))
			r := arrives(t, requests)
			m := r.Message()
			if m.Topic != "call" || len(m.Envelope) != 38 || text(*m) != fmt.Sprint(i)+"|second part" || !strings.Contains(r.Client().Role, "DEALER") || r.Client().Plain {
				t.Fatalf("%+v from %+v", m, r.Client())
			}
			if err := r.Reply(message("call", "reply", fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			if err := r.Reply(message("call", "again")); err != transport.ErrLost {
				t.Fatalf("a second reply: %v", err)
			}
			if a := answer(t, e); a.Err != nil || a.Message.Topic != "call" || len(a.Message.Envelope) != 38 || text(a.Message) != fmt.Sprintf("reply|%d", i) {
				t.Fatalf("%+v", a)
			}
			e.End(nil)
		}
		if s := client.Stats(); s.LateReplies != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// The frames are those of docs/wire.md.
func TestRequestFrames(t *testing.T) {
	t.Parallel()
	router := socket.NewRouter(nil)
	defer func() { _ = router.Close() }()
	if err := router.Listen(anyPort); err != nil {
		t.Fatal(err)
	}
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(router.Bound()...)})
	for id, m := range []*transport.Message{message("call", "a", "b"), {Topic: "call", Payload: [][]byte{[]byte("p")}, Envelope: fakeEnvelope(38), Plain: true}} {
		e := exchange(t, client)
		attempt(t, e, m)
		got, err := router.RecvContext(patient(t))
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("[%q %q %q", "\x00\x00\x00\x00\x00\x00\x00"+string(rune(id+1)), "", "call")
		if m.Plain {
			want = fmt.Sprintf("[%q %q %q]", "\x00\x00\x00\x00\x00\x00\x00"+string(rune(id+1)), "", "p")
		}
		if frames := fmt.Sprintf("%q", got.Frames[1:]); !strings.HasPrefix(frames, want) {
			t.Errorf("%s, want %s", frames, want)
		}
		e.End(&transport.Message{Topic: "call", Envelope: fakeEnvelope(40)})
		end, err := router.RecvContext(patient(t))
		if err != nil || len(end.Frames) != 5 || string(end.Frames[3]) != "call" || len(end.Frames[4]) != 40 || !slices.Equal(end.Frames[1], got.Frames[1]) {
			t.Errorf("the end: %q, %v", end.Frames, err)
		}
	}
}
