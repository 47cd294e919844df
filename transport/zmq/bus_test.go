package zmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// order is what the tests publish.
type order struct {
	ID       int
	Customer string
	Note     string
}

var orders = topic.New[order]("orders.created").WithKey(func(o order) string { return o.Customer })

// join returns a bus on a transport of its own.
func join(t testing.TB, o *zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	tr := open(t, o)
	log := zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	b, err := bus.New(&bus.Options{Transport: tr, Logger: &log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.Close()
		<-b.Done()
	})
	return b, tr
}

func newPublisher[T any](t testing.TB, b *bus.Bus, to topic.Topic[T], o *publisher.Options) *publisher.Publisher[T] {
	t.Helper()
	pub, err := publisher.New(b, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

// collect subscribes, and returns what is received. The channel is never in the way of the handler.
func collect[T any](t testing.TB, b *bus.Bus, from topic.Selector[T]) (*subscriber.Subscription, <-chan topic.Event[T]) {
	t.Helper()
	events := make(chan topic.Event[T], 1<<15)
	sub, err := subscriber.New(b, from, func(_ context.Context, e topic.Event[T]) error {
		events <- e
		return nil
	}, &subscriber.Options{Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	return sub, events
}

func send[T any](t testing.TB, pub *publisher.Publisher[T], values ...T) {
	t.Helper()
	if n, err := pub.PublishBatch(patient(t), values); err != nil {
		t.Fatalf("after %d: %v", n, err)
	}
}

// next waits for the next event, or notice.
func next[E any](t testing.TB, events <-chan E) E {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-patient(t).Done():
		t.Fatal("nothing came")
	}
	return *new(E)
}

// notice waits for the next notice of a kind and skips others.
func notice[N bus.Notice](t testing.TB, notices <-chan bus.Notice) N {
	t.Helper()
	for {
		if n, ok := next(t, notices).(N); ok {
			return n
		}
	}
}

func notices(b *bus.Bus) <-chan bus.Notice {
	c := make(chan bus.Notice, 1024)
	b.Notices(func(n bus.Notice) { c <- n })
	return c
}

func awaitReady(t testing.TB, sub *subscriber.Subscription) {
	t.Helper()
	if err := sub.Ready(patient(t)); err != nil {
		t.Fatal(err)
	}
}

func TestTypedEvents(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		here, tr := join(t, &zmq.Options{Publish: zmq.Bind(endpoint)})
		there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
		sub, events := collect(t, there, topic.NewPattern[order]("orders.*"))
		awaitReady(t, sub)
		pub := newPublisher(t, here, orders, nil)
		if err := pub.WaitSubscribers(patient(t), 1); err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(patient(t), order{1, "ann", "first"}, publisher.Header("priority", "high")); err != nil {
			t.Fatal(err)
		}
		send(t, pub, order{2, "bob", "second"})
		for seq, w := range []order{{1, "ann", "first"}, {2, "bob", "second"}} {
			e := next(t, events)
			if e.Value != w || e.Topic() != "orders.created" || e.Seq() != uint64(seq+1) || e.Source() != here.Source() || e.Key() != w.Customer || e.Time().IsZero() {
				t.Errorf("%v: source %s, key %s, time %v", e, e.Source(), e.Key(), e.Time())
			}
			if priority := e.Header("priority"); (priority == "high") != (seq == 0) {
				t.Errorf("event %d has priority %q", e.Seq(), priority)
			}
		}
	})
}

// A bus that is connected to itself delivers its events once: what comes back is counted as echo.
func TestEcho(t *testing.T) {
	t.Parallel()
	at := ipc(t)
	b, _ := join(t, &zmq.Options{Publish: zmq.Bind(at), Subscribe: zmq.Connect(at)})
	sub, events := collect(t, b, orders)
	awaitReady(t, sub)
	pub := newPublisher(t, b, orders, nil)
	const n = 100
	for i := range n {
		send(t, pub, order{ID: i})
	}
	// Without an envelope nothing says who published it: it comes twice, the second time after all echoes.
	send(t, newPublisher(t, b, orders, &publisher.Options{Plain: true}), order{ID: n})
	for i := range n + 2 {
		if e := next(t, events); e.Value.ID != min(i, n) {
			t.Fatalf("event %d is %v", i, e)
		}
	}
	if s := b.Stats(); s.Echo != n || s.Received != n+1 {
		t.Errorf("%+v", s)
	}
}

// What a full queue could not take shows at the receiver, number for number.
func TestGap(t *testing.T) {
	t.Parallel()
	const n = 3000
	here, tr := join(t, &zmq.Options{Publish: zmq.Bind(anyPort), SendHWM: 10})
	there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...), ReceiveHWM: 10})
	told := notices(there)
	hold, events := make(chan struct{}), make(chan uint64, n+1)
	sub, err := subscriber.New(there, orders, func(_ context.Context, e topic.Event[order]) error {
		<-hold
		events <- e.Seq()
		return nil
	}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	awaitReady(t, sub)
	pub := newPublisher(t, here, orders, nil)
	note := strings.Repeat("x", 10_000)
	for i := range n {
		send(t, pub, order{ID: i, Note: note})
	}
	dropped := tr.Stats().Dropped
	close(hold)
	for range n - dropped {
		next(t, events)
	}
	send(t, pub, order{ID: n}) // now there is room for it
	if seq := next(t, events); seq != n+1 {
		t.Errorf("the last event is %d", seq)
	}
	gap := notice[bus.Gap](t, told)
	if gap.Source != here.Source() || gap.Topic != orders.String() || gap.From > gap.To || gap.To > n {
		t.Errorf("%+v", gap)
	}
	if lost := there.Stats().Lost; dropped == 0 || lost != dropped {
		t.Errorf("%d lost, %d dropped", lost, dropped)
	}
}

// A publisher that is restarted has the same topics and another source.
func TestRestart(t *testing.T) {
	t.Parallel()
	at := ipc(t)
	there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(at)})
	told := notices(there)
	sub, events := collect(t, there, orders)
	var sources []uuid.UUID
	for i := range 2 {
		here, _ := join(t, &zmq.Options{Publish: zmq.Bind(at)})
		sources = append(sources, here.Source())
		awaitReady(t, sub)
		if up := notice[bus.PeerUp](t, told); up.Peer.Endpoint != at || up.Peer.Role != "PUB" || up.Peer.Plain {
			t.Errorf("%+v", up)
		}
		send(t, newPublisher(t, here, orders, nil), order{ID: i})
		if e := next(t, events); e.Value.ID != i || e.Seq() != 1 {
			t.Errorf("%v", e)
		}
		if i == 1 {
			break
		}
		if err := here.Close(); err != nil {
			t.Fatal(err)
		}
		if down := notice[bus.PeerDown](t, told); down.Peer.Endpoint != at {
			t.Errorf("%+v", down)
		}
	}
	if fresh := notice[bus.NewSource](t, told); fresh.Source != sources[1] || fresh.Topic != orders.String() {
		t.Errorf("%+v, want %s", fresh, sources[1])
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	at := ipc(t)
	gathering, tr := join(t, &zmq.Options{Subscribe: zmq.Bind(anyPort).Connect(at)})
	sub, _ := collect(t, gathering, orders)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{at: sub.Ready(ctx), `0 of 1 publishers of "orders.created"`: sub.WaitPublishers(ctx, 1)} {
		var missing *bus.NotReadyError
		if !errors.As(err, &missing) || len(missing.Missing) != 1 || !strings.Contains(missing.Missing[0], what) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want one that names %s", err, what)
		}
	}
	binding, _ := join(t, &zmq.Options{Publish: zmq.Bind(at)})
	connecting, _ := join(t, &zmq.Options{Publish: zmq.Connect(tr.Bound().Subscribe...)})
	for _, b := range []*bus.Bus{binding, connecting} {
		if err := newPublisher(t, b, orders, nil).WaitSubscribers(patient(t), 1); err != nil {
			t.Error(err)
		}
	}
	awaitReady(t, sub)
	if err := sub.WaitPublishers(patient(t), 2); err != nil {
		t.Error(err)
	}
}

func TestPlainMode(t *testing.T) {
	t.Parallel()
	here, tr := join(t, &zmq.Options{Publish: zmq.Bind(anyPort), Plain: true})
	there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
	sub, events := collect(t, there, topic.NewPrefix[string]("cli").WithCodec(codec.String))
	awaitReady(t, sub)
	send(t, newPublisher(t, here, topic.New[string]("client1").WithCodec(codec.String), nil), "hello", "")
	for _, w := range []string{"hello", ""} {
		e := next(t, events)
		if e.Value != w || e.Topic() != "client1" || e.Source() != uuid.Nil || e.Seq() != 0 || e.ID() != "" || !e.Time().IsZero() {
			t.Errorf("%v, source %s", e, e.Source())
		}
	}
}

// A message that is too large is refused by Publish: nobody gets it, here or there, and it takes no number.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	here, tr := join(t, &zmq.Options{Publish: zmq.Bind(anyPort), MaxMessageSize: 2000})
	there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
	told := notices(there)
	_, local := collect(t, here, orders)
	sub, remote := collect(t, there, orders)
	awaitReady(t, sub)
	pub := newPublisher(t, here, orders, nil)
	send(t, pub, order{ID: 1})
	err := pub.Publish(patient(t), order{ID: 2, Note: strings.Repeat("x", 2000)})
	var large *socket.MessageError
	if !errors.As(err, &large) || large.Field != "size" || large.Limit != 2000 || large.Value <= 2000 {
		t.Errorf("%v", err)
	}
	send(t, pub, order{ID: 3})
	for _, events := range []<-chan topic.Event[order]{local, remote} {
		if first, second := next(t, events), next(t, events); first.Value.ID != 1 || second.Value.ID != 3 || second.Seq() != 2 {
			t.Errorf("%v, %v", first, second)
		}
	}
	if s := there.Stats(); s.Lost != 0 || s.Received != 2 {
		t.Errorf("%+v", s)
	}
	_ = there.Close()
	<-there.Done() // all notices have been told
	for len(told) > 0 {
		if down, ok := (<-told).(bus.PeerDown); ok && !errors.Is(down.Err, socket.ErrClosed) {
			t.Errorf("%v", down)
		}
	}
}

// Shutdown returns when a reader that was stopped for a while has everything.
func TestShutdownReachesASlowReader(t *testing.T) {
	t.Parallel()
	const n = 10_000
	here, tr := join(t, &zmq.Options{Publish: zmq.Bind(anyPort), SendHWM: -1})
	there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...), ReceiveHWM: 10})
	hold, events := make(chan struct{}), make(chan int, n)
	sub, err := subscriber.New(there, orders, func(_ context.Context, e topic.Event[order]) error {
		<-hold
		events <- e.Value.ID
		return nil
	}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	awaitReady(t, sub)
	pub := newPublisher(t, here, orders, nil)
	note := strings.Repeat("x", 1000) // 10 MB: more than the connection holds
	for i := range n {
		send(t, pub, order{ID: i, Note: note})
	}
	probe := newPublisher(t, here, topic.New[string]("unwanted"), nil) // before Shutdown, after which there are none
	ended := make(chan error)
	go func() { ended <- here.Shutdown(patient(t)) }()
	for probe.Publish(t.Context(), "begun?") == nil {
	}
	close(hold)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for i := range n {
		if id := next(t, events); id != i {
			t.Fatalf("%d came as number %d", id, i)
		}
	}
	if s := tr.Stats(); s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}
