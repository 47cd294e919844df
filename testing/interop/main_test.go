package interop_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// childEndpoint makes the test's program a publisher at that endpoint instead, for the tests that kill one.
const childEndpoint = "FANFARE_INTEROP_PUBLISH"

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(childEndpoint); endpoint != "" {
		publishForEver(endpoint)
		return
	}
	goleak.VerifyTestMain(m)
}

// publishForEver publishes its process ID to mortal until its standard input ends.
func publishForEver(endpoint string) {
	tr, err := zmq.New(&zmq.Options{Publish: zmq.Bind(endpoint)})
	if err != nil {
		panic(err)
	}
	b, err := bus.New(&bus.Options{Transport: tr})
	if err != nil {
		panic(err)
	}
	pub, err := publisher.New(b, mortal, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := pub.Publish(ctx, fmt.Sprint(os.Getpid())); err != nil {
			panic(err)
		}
		<-ticker.C
	}
}

// child starts a publisher of ours in a process of its own.
func child(t *testing.T, endpoint string) *interop.Process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEndpoint+"="+endpoint)
	p := interop.Start(t, cmd)
	p.Ready()
	return p
}

var mortal = text("mortal")

// text is a topic of strings.
func text(name string) topic.Topic[string] { return topic.New[string](name).WithCodec(codec.String) }

// prefix selects strings.
func prefix(prefix string) topic.Prefix[string] {
	return topic.NewPrefix[string](prefix).WithCodec(codec.String)
}

const (
	anyPort  = "tcp://127.0.0.1:0"
	patience = 30 * time.Second
)

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ipc returns an endpoint that is known, and nobody else's, before anything is bound to it.
func ipc(t *testing.T) string {
	t.Helper()
	return "ipc://" + filepath.Join(t.TempDir(), "s")
}

// join returns a bus of ours. What it dials and does not find it dials again at once.
func join(t *testing.T, o zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	interop.Require(t)
	o.ReconnectMax = 100 * time.Millisecond
	tr, err := zmq.New(&o)
	if err != nil {
		t.Fatal(err)
	}
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

// collect subscribes, and returns what is received.
func collect[T any](t *testing.T, b *bus.Bus, from topic.Selector[T]) (*subscriber.Subscription, <-chan topic.Event[T]) {
	t.Helper()
	events := make(chan topic.Event[T], 1024)
	sub, err := subscriber.New(b, from, func(ctx context.Context, e topic.Event[T]) error {
		select {
		case events <- e:
		case <-ctx.Done(): // the test has seen enough
		}
		return nil
	}, &subscriber.Options{Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	return sub, events
}

// newPublisher returns a publisher that so many peers are subscribed to.
func newPublisher[T any](t *testing.T, b *bus.Bus, to topic.Topic[T], subscribers int) *publisher.Publisher[T] {
	t.Helper()
	pub, err := publisher.New(b, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(patient(t), subscribers); err != nil {
		t.Fatal(err)
	}
	return pub
}

func send[T any](t *testing.T, pub *publisher.Publisher[T], values ...T) {
	t.Helper()
	if n, err := pub.PublishBatch(patient(t), values); err != nil {
		t.Fatalf("after %d: %v", n, err)
	}
}

// next waits for the next event, or notice.
func next[E any](t *testing.T, events <-chan E) E {
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
func notice[N bus.Notice](t *testing.T, notices <-chan bus.Notice) N {
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

// want compares the frames of the next message that a libzmq socket received.
func want(t *testing.T, python *interop.Process, frames ...any) {
	t.Helper()
	if got := python.Message(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", frames) {
		t.Fatalf("received %q, want %q", got, frames)
	}
}
