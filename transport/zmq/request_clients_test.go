package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
)

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
	if m := end.Message(); m.Topic != "call" || len(bytes.Join(m.Payload, nil)) != 0 || len(m.Envelope) != 38 {
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
		{[][]byte{[]byte("id"), nil, []byte("call"), envelope}, [][]byte{[]byte("id"), nil, []byte("call"), envelope, []byte("reply")}},
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
