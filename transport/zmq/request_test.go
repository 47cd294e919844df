package zmq_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
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

// What is abandoned is told once, whenever it was; a reply afterwards is dropped and counted.
func TestAbandonedRequests(t *testing.T) {
	t.Parallel()
	server, requests := serving(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
	cancelled, lost := exchange(t, client), exchange(t, client)
	attempt(t, cancelled, message("call", "first"))
	attempt(t, cancelled, message("call", "again"))
	attempt(t, lost, message("call", "lost"))
	var all []transport.Request
	told := make(chan string, 10)
	for range 3 {
		all = append(all, arrives(t, requests))
	}
	tell := func(r transport.Request) {
		r.OnAbandoned(func(lost bool) { told <- fmt.Sprintf("%s %v", r.Message().Payload[0], lost) })
	}
	tell(all[0])
	tell(all[1])
	cancelled.End(&transport.Message{Topic: "call", Envelope: fakeEnvelope(38)})
	end := arrives(t, requests)
	if m := end.Message(); m.Topic != "call" || len(m.Payload) != 0 || len(m.Envelope) != 38 {
		t.Errorf("%+v", m)
	}
	end.Cancel()
	for range 2 {
		if got := arrives(t, told); got != "first false" && got != "again false" {
			t.Errorf("%q", got)
		}
	}
	tell(all[2])
	_ = client.Close()
	for range 3 { // those that were given up have no reply yet
		if got := arrives(t, told); !strings.HasSuffix(got, "true") {
			t.Errorf("%q", got)
		}
	}
	late := make(chan bool, 1)
	all[2].OnAbandoned(func(lost bool) { late <- lost })
	if !arrives(t, late) {
		t.Error("not lost")
	}
	for _, r := range all {
		if err := r.Reply(message("call", "reply")); !errors.Is(err, transport.ErrLost) {
			t.Errorf("%v", err)
		}
	}
	if s := server.Stats(); s.RepliesDropped != 3 {
		t.Errorf("%+v", s)
	}
	if len(told) != 0 {
		t.Errorf("%d more", len(told))
	}
}

// A reply repeats what the request began with, frame by frame, whatever ways it came.
func TestReplyStacks(t *testing.T) {
	t.Parallel()
	server, requests := serving(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	dealer := socket.NewDealer(nil)
	defer func() { _ = dealer.Close() }()
	if err := dealer.Dial(server.Bound().Serve[0]); err != nil {
		t.Fatal(err)
	}
	envelope := fakeEnvelope(38)
	for _, tc := range []struct{ request, reply [][]byte }{
		{[][]byte{nil, []byte("body")}, [][]byte{nil, []byte("reply")}},
		{[][]byte{[]byte("hop"), []byte("hop 2"), nil, []byte("a"), []byte("b")}, [][]byte{[]byte("hop"), []byte("hop 2"), nil, []byte("reply")}},
		{[][]byte{[]byte("no delimiter")}, [][]byte{[]byte("reply")}},
		{[][]byte{nil}, [][]byte{nil, []byte("reply")}},
		{[][]byte{[]byte("id"), nil, []byte("call"), envelope, []byte("x")}, [][]byte{[]byte("id"), nil, []byte("call"), envelope, []byte("reply")}},
		{[][]byte{[]byte("id"), nil, []byte("call"), envelope[:37], []byte("x")}, [][]byte{[]byte("id"), nil, []byte("reply")}},
	} {
		if err := dealer.Send(zmq4.NewMsgFrom(tc.request...)); err != nil {
			t.Fatal(err)
		}
		r := arrives(t, requests)
		if len(r.Message().Payload) == 0 {
			t.Errorf("%q: no payload", tc.request)
		}
		if err := r.Reply(message("call", "reply")); err != nil {
			t.Error(err)
		}
		if got, err := dealer.RecvContext(patient(t)); err != nil || fmt.Sprintf("%q", got.Frames) != fmt.Sprintf("%q", tc.reply) {
			t.Errorf("%q: %q, %v", tc.request, got.Frames, err)
		}
	}
}

// echoing is a transport.Server that replies at once, and notes how many replies the client has not read, at most.
type echoing struct {
	reply              *transport.Message
	read, replied, max atomic.Int64
	begun              chan struct{} // closed after some
}

func (e *echoing) Request(r transport.Request) {
	if err := r.Reply(e.reply); err != nil {
		panic(err)
	}
	n := e.replied.Add(1)
	e.max.Store(max(e.max.Load(), n-e.read.Load()))
	if n == 5 {
		close(e.begun)
	}
}

// A client that does not read its replies is not read from, so no reply is dropped and memory is bounded.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	const hwm, all, size = 10, 400, 256 << 10
	server := open(t, &zmq.Options{Serve: zmq.Bind(anyPort), SendHWM: hwm})
	echo := &echoing{reply: message("call", strings.Repeat("x", size)), begun: make(chan struct{})}
	if err := server.Serve(echo); err != nil {
		t.Fatal(err)
	}
	dealer := socket.NewDealer(&socket.Options{ReceiveHWM: 1, SendHWM: -1})
	defer func() { _ = dealer.Close() }()
	if err := dealer.Dial(server.Bound().Serve[0]); err != nil {
		t.Fatal(err)
	}
	for range all { // large ones, so that few are read at once
		if err := dealer.Send(zmq4.NewMsgFrom(nil, make([]byte, 60_000))); err != nil {
			t.Fatal(err)
		}
	}
	arrives(t, echo.begun)
	for range all {
		if m, err := dealer.RecvContext(patient(t)); err != nil || len(m.Frames[1]) != size {
			t.Fatal(err)
		}
		echo.read.Add(1)
	}
	if s := server.Stats(); s.RepliesDropped != 0 || echo.max.Load() > 100 {
		t.Errorf("%d replies were not read at one time; %+v", echo.max.Load(), s)
	}
}

// Nothing is read before there is a server, and there is one at most.
func TestServeOnce(t *testing.T) {
	t.Parallel()
	server := open(t, &zmq.Options{Serve: zmq.Bind(anyPort)})
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
	e := exchange(t, client)
	attempt(t, e, message("call", "early"))
	requests := make(answering, 1)
	if err := server.Serve(requests); err != nil {
		t.Fatal(err)
	}
	if r := arrives(t, requests); text(*r.Message()) != "early" {
		t.Error(text(*r.Message()))
	}
	var used *transport.InUseError
	if err := server.Serve(requests); !errors.As(err, &used) || used.What != "Serve" {
		t.Errorf("%v", err)
	}
}

func TestRequestLimits(t *testing.T) {
	t.Parallel()
	server, requests := serving(t, zmq.Options{Serve: zmq.Bind(anyPort), MaxMessageSize: 1000})
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...), MaxMessageSize: 500, SendHWM: 3})
	e := exchange(t, client)
	var size *socket.MessageError
	if err := e.Send(message("call", strings.Repeat("x", 500))); !errors.As(err, &size) {
		t.Errorf("%v", err)
	}
	var limit *zmq.LimitError
	if err := e.Send(message(strings.Repeat("x", 256), "x")); !errors.As(err, &limit) {
		t.Errorf("%v", err)
	}
	attempt(t, e, message("call", "x"))
	r := arrives(t, requests)
	if err := r.Reply(message("call", strings.Repeat("x", 1000))); !errors.As(err, &size) {
		t.Errorf("%v", err)
	}
	if err := r.Reply(message("call", "small")); err != nil {
		t.Errorf("after one that was too large: %v", err)
	}
	if a := answer(t, e); text(a.Message) != "small" {
		t.Errorf("%+v", a)
	}
}

func TestRequestsAfterTheEnd(t *testing.T) {
	t.Parallel()
	server := open(t, &zmq.Options{Serve: zmq.Bind(anyPort)})
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
	e := exchange(t, client)
	attempt(t, e, message("call", "nobody reads it")) // the reader of the server waits
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if a := answer(t, e); !errors.Is(a.Err, transport.ErrLost) {
		t.Errorf("%+v", a)
	}
	if err := client.Shutdown(patient(t)); err != nil {
		t.Error(err)
	}
	_, late := client.Exchange(e.woken)
	for call, err := range map[string]error{"Exchange": late, "Send": e.Send(message("call", "x")), "Serve": server.Serve(answering(nil))} {
		if err != zmq.ErrClosed {
			t.Errorf("%s: %v", call, err)
		}
	}
	e.End(nil)
}

// What was replied before Shutdown reaches the client, and so does what was asked.
func TestShutdownFlushesReplies(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		server, requests := serving(t, zmq.Options{Serve: zmq.Bind(endpoint)})
		client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
		var all []asked
		for range 300 {
			e := exchange(t, client)
			attempt(t, e, message("call", "x"))
			all = append(all, e)
		}
		for range all {
			if err := arrives(t, requests).Reply(message("call", strings.Repeat("x", 10_000))); err != nil {
				t.Error(err)
			}
		}
		if err := server.Shutdown(patient(t)); err != nil {
			t.Error(err)
		}
		for _, e := range all {
			if a := answer(t, e); a.Err != nil {
				t.Fatal(a.Err)
			}
			e.End(nil)
		}
	})
}
