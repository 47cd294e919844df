package request_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
	"github.com/google/uuid"
)

// stranger is a DEALER that sends frames as it likes.
type stranger struct {
	*socket.Dealer
	t testing.TB
}

func newStranger(t testing.TB, endpoint string, o *socket.Options) stranger {
	t.Helper()
	d := socket.NewDealer(o)
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Dial(endpoint); err != nil {
		t.Fatal(err)
	}
	return stranger{d, t}
}

func (s stranger) say(frames ...[]byte) {
	s.t.Helper()
	if err := s.SendContext(patient(s.t), zmq4.NewMsgFrom(frames...)); err != nil {
		s.t.Fatal(err)
	}
}

// hear returns the frames of the next reply.
func (s stranger) hear() [][]byte {
	s.t.Helper()
	m, err := s.RecvContext(patient(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Frames
}

// enveloped returns the frames of a request, without its stack.
func enveloped(name string, id uint64, payload string, properties ...string) [][]byte {
	m := call(name, id, payload, properties...)
	return [][]byte{[]byte(m.Topic), m.Envelope, m.Payload[0]}
}

func number(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// What a client sends may be anything: each message gets one answer or none, is not kept, and does no harm to others.
func TestStrangeRequests(t *testing.T) {
	t.Parallel()
	there, tr := join(t, zmq.Options{Serve: zmq.Bind(anyPort), MaxMessageSize: 1 << 16})
	s := serve(t, there, double, twice, &request.ServeOptions{Default: true})
	odd := newStranger(t, tr.Bound().Serve[0], nil)
	good := enveloped("math.double", 1, "21")
	stack := func(n int) [][]byte {
		hops := make([][]byte, n)
		for i := range hops {
			hops[i] = []byte("hop")
		}
		return append(hops[:n-1], nil)
	}
	join := func(stack [][]byte, body ...[]byte) [][]byte { return append(stack, body...) }
	answered := [][][]byte{
		join(stack(1000), good...),
		join(stack(2), good...),
		join(stack(2), good[0], good[1]), // no payload
		join(stack(2), good[0], good[1][:37], good[2]),
		join(stack(2), good[0], append(bytes.Clone(good[1]), 1), good[2]),
		join(stack(2), good[0], append(bytes.Clone(good[1]), 0, 0, 0, 0, 0), good[2]),
		join(stack(2), good[0], append(bytes.Clone(good[1]), 1, 'a', 0xFF, 0xFF, 0xFF, 0xFF), good[2]),
		join(stack(2), nil, good[1], good[2]),
		join(stack(1023), []byte("21")),
		join(stack(2), nil, nil, nil),
		{nil},
		{[]byte("21")},
	}
	unanswerable := [][][]byte{
		stack(1024),
		join(stack(1022), good[0], good[1]),
		join(stack(2), bytes.Repeat([]byte("x"), 256), good[1], good[2]),
		{bytes.Repeat([]byte("x"), 1<<16-60), nil, good[0], good[1], good[2][:0]},
	}
	for round := range 3 {
		for i, frames := range unanswerable {
			odd.say(frames...)
			frames = answered[i]
			odd.say(frames...)
			if got := odd.hear(); len(got) == 0 {
				t.Errorf("round %d, message %d: nothing", round, i)
			}
		}
		for i, frames := range answered {
			odd.say(frames...)
			if got := odd.hear(); len(got) == 0 {
				t.Errorf("round %d, message %d: nothing", round, i)
			}
		}
	}
	odd.say(join(stack(2), good...)...)
	if got := odd.hear(); string(got[len(got)-1]) != "42" {
		t.Errorf("%q", got)
	}
	if err := there.Shutdown(patient(t)); err != nil {
		t.Error(err)
	}
	if got := there.Stats().Transport; got.RepliesDropped != uint64(3*len(unanswerable)) {
		t.Errorf("%+v", got)
	}
	if got := s.Stats(); got.Queued+got.Running != 0 {
		t.Errorf("%+v", got)
	}
}

// Cancels without end, of what is under way and of what is not, end no request but those of the same client and number.
func TestCancelFlood(t *testing.T) {
	t.Parallel()
	there, tr := join(t, zmq.Options{Serve: zmq.Bind(anyPort)})
	handler := bustest.NewCall(t, double, doubled, bustest.Block())
	serve(t, there, double, handler.Handle, nil)
	here, _ := join(t, zmq.Options{Request: zmq.Connect(tr.Bound().Serve...)})
	done := make(chan error)
	go func() {
		n, err := newClient(t, here, double, &request.Options{Timeout: patience}).Do(t.Context(), 1)
		if err == nil && n != 2 {
			err = fmt.Errorf("the reply is %d", n)
		}
		done <- err
	}()
	handler.WaitRunning(1)
	odd := newStranger(t, tr.Bound().Serve[0], nil)
	for id := range uint64(5000) {
		end := enveloped("math.double", id%5, "", "kind", "cancel")
		odd.say(number(id%5), nil, end[0], end[1])
	}
	last := enveloped("math.half", 7, "1")
	odd.say(append([][]byte{number(7), nil}, last...)...)
	if got := odd.hear(); !bytes.Equal(got[0], number(7)) {
		t.Errorf("a cancel was answered: %q", got)
	}
	handler.Release() // unless it was cancelled by another client
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Clients that ask without end and never read cost the server bounded memory, hold up nobody else, and not its end.
func TestClientsThatNeverRead(t *testing.T) {
	t.Parallel()
	there, tr := join(t, zmq.Options{Serve: zmq.Bind(anyPort), SendHWM: 10})
	echo := request.NewCall[[]byte, []byte]("test.echo").WithCodec(codec.Raw)
	s := serve(t, there, echo, func(_ context.Context, b []byte) ([]byte, error) { return b, nil }, nil)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 2 {
		odd := newStranger(t, tr.Bound().Serve[0], &socket.Options{ReceiveHWM: 1, SendHWM: 1})
		frames := append([][]byte{number(1), nil}, enveloped("test.echo", 1, string(make([]byte, 100_000)))...)
		all.Go(func() {
			for odd.SendContext(ctx, zmq4.NewMsgFrom(frames...)) == nil {
			}
		})
	}
	here, _ := join(t, zmq.Options{Request: zmq.Connect(tr.Bound().Serve...)})
	cl := newClient(t, here, echo, &request.Options{Timeout: patience})
	for seen := uint64(0); ; { // until nothing more is read from them
		for range 100 {
			if _, err := cl.Do(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		now := s.Stats().Requests - cl.Stats().Requests
		if now == seen && now > 0 {
			break
		}
		seen = now
	}
	if n := s.Stats().Requests - cl.Stats().Requests; n > 5000 {
		t.Errorf("%d requests were read from clients that do not read", n)
	}
	_ = there.Close()
	<-there.Done()
	stop()
	all.Wait()
}

// Servers that answer with anything end the request that they answer at most.
func TestStrangeServers(t *testing.T) {
	t.Parallel()
	router := socket.NewRouter(nil)
	defer func() { _ = router.Close() }()
	if err := router.Listen(anyPort); err != nil {
		t.Fatal(err)
	}
	here, _ := join(t, zmq.Options{Request: zmq.Connect(router.Bound()...)})
	cl := newClient(t, here, double, &request.Options{Timeout: patience, Attempts: 1})
	good := makeEnvelope(uuid.UUID{1}, 0, nil)
	var server sync.WaitGroup
	replies := [][][]byte{
		{},
		{nil},
		{[]byte("math.double"), good},
		{[]byte("math.double"), good, nil},
		{[]byte("math.double"), append(bytes.Clone(good), 200), []byte("2")},
		{[]byte("math.double"), makeEnvelope(uuid.UUID{1}, 0, []byte("\x06status\x00\x00\x00\x00")), []byte("2")},
		{[]byte("other"), good, []byte("2"), []byte("2")},
	}
	server.Go(func() {
		for _, reply := range replies {
			m, err := router.RecvContext(patient(t))
			if err != nil {
				t.Error(err)
				return
			}
			for _, frames := range [][][]byte{{m.Frames[0]}, {m.Frames[0], nil}, {m.Frames[0], m.Frames[1]}, {m.Frames[0], number(1 << 63), nil, good, good, good}, append([][]byte{m.Frames[0], m.Frames[1], nil}, reply...)} {
				if err := router.Send(zmq4.NewMsgFrom(frames...)); err != nil && len(frames) > 1 {
					t.Error(err)
				}
			}
		}
	})
	for i := range replies {
		n, err := cl.Do(t.Context(), 1)
		if last := i == len(replies)-1; last != (err == nil) || last && n != 22 {
			t.Errorf("reply %d: %d, %v", i, n, err)
		}
	}
	server.Wait()
	if got := here.Stats().Transport; got.LateReplies != uint64(3*len(replies)) {
		t.Errorf("%+v", got)
	}
}
