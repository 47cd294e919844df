package interop_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	roles.Run()
	goleak.VerifyTestMain(m)
}

// publishForEver publishes its process ID to mortal until its standard input ends. Its argument is where.
func publishForEver(args []string) {
	tr, err := zmq.New(&zmq.Options{Publish: zmq.Bind(args[0])})
	interop.Must(err)
	b, err := bus.New(&bus.Options{Transport: tr})
	interop.Must(err)
	pub, err := publisher.New(b, mortal, nil)
	interop.Must(err)
	fmt.Println("ready")
	told := interop.Told()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		interop.Must(pub.Publish(context.Background(), fmt.Sprint(os.Getpid())))
		select {
		case <-told:
			return
		case <-ticker.C:
		}
	}
}

var mortal = text("mortal")

// text is a topic of strings.
func text(name string) topic.Topic[string] { return topic.New[string](name).WithCodec(codec.String) }

// prefix selects strings.
func prefix(prefix string) topic.Prefix[string] {
	return topic.NewPrefix[string](prefix).WithCodec(codec.String)
}

// join returns a bus of ours, where there is libzmq for it to talk to.
func join(t *testing.T, o zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	interop.Require(t)
	return interop.Join(t, &o)
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
	if err := pub.WaitSubscribers(interop.Patient(t), subscribers); err != nil {
		t.Fatal(err)
	}
	return pub
}

func send[T any](t *testing.T, pub *publisher.Publisher[T], values ...T) {
	t.Helper()
	if n, err := pub.PublishBatch(interop.Patient(t), values); err != nil {
		t.Fatalf("after %d: %v", n, err)
	}
}

// notice waits for the next notice of a kind and skips others.
func notice[N bus.Notice](t *testing.T, notices <-chan bus.Notice) N {
	t.Helper()
	for {
		if n, ok := interop.Next(t, notices).(N); ok {
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
