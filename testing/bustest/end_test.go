package bustest_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// untilClosed is a handler that ends with its subscription.
func untilClosed(ctx context.Context, _ topic.Event[string]) error {
	<-ctx.Done()
	return nil
}

// subscribe calls handler for orders.
func subscribe(t testing.TB, b *bus.Bus, handler func(context.Context, topic.Event[string]) error, o *subscriber.Options) *subscriber.Subscription {
	t.Helper()
	sub, err := subscriber.New(b, orders, handler, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return sub
}

// losses are tests that lose something, and what New says about each.
var losses = map[string]struct {
	test func(t testing.TB, b *bus.Bus)
	want string
}{
	"an overflow policy drops": {
		func(t testing.TB, b *bus.Bus) {
			block := make(chan struct{})
			subscribe(t, b, func(context.Context, topic.Event[string]) error {
				<-block
				return nil
			}, &subscriber.Options{Name: "stock", Queue: 1, Overflow: bus.DropNewest})
			publish(t, b, orders, "1")
			synctest.Wait()
			publish(t, b, orders, "2", "3", "4")
			close(block)
		},
		`the bus has undelivered events: 2 of 4 were dropped by subscription "stock" (if the test means that, bustest.AllowUndelivered says so)`,
	},
	"a subscription is closed too early": {
		func(t testing.TB, b *bus.Bus) {
			sub := subscribe(t, b, untilClosed, nil)
			publish(t, b, orders, "1")
			synctest.Wait()
			publish(t, b, orders, "2", "3")
			if err := sub.Close(); err != nil {
				t.Errorf("%v", err)
			}
		},
		`the bus has undelivered events: 2 of 3 were waiting when subscription "orders.created" was closed (if the test means that, bustest.AllowUndelivered says so)`,
	},
	"the bus is closed too early": {
		func(t testing.TB, b *bus.Bus) {
			subscribe(t, b, untilClosed, nil)
			publish(t, b, orders, "1")
			synctest.Wait()
			publish(t, b, orders, "2")
			if err := b.Close(); err != nil {
				t.Errorf("%v", err)
			}
		},
		`the bus has undelivered events: 1 of 2 were waiting when subscription "orders.created" was closed (if the test means that, bustest.AllowUndelivered says so)`,
	},
	"nobody does a task": {
		func(t testing.TB, b *bus.Bus) {
			p, err := pipeline.NewProducer(b, pipeline.NewTask[string]("pack"), nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if err := p.Send(t.Context(), "1"); err != nil {
				t.Fatalf("%v", err)
			}
		},
		`the bus is not done at the end of the test: bus: shutdown incomplete: queue of task "pack": 1 queued, 0 running; ` +
			`context deadline exceeded (if the test means that, bustest.AllowUndelivered says so)`,
	},
}

func TestNewReportsWhatIsUndelivered(t *testing.T) {
	t.Parallel()
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := faketb.Run(t, func(t testing.TB) { loss.test(t, bustest.New(t)) }).Failures
				if failures != loss.want {
					t.Errorf("failures %q, want %q", failures, loss.want)
				}
			})
		})
	}
}

func TestAllowUndelivered(t *testing.T) {
	t.Parallel()
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := faketb.Run(t, func(t testing.TB) {
					b := bustest.New(t)
					loss.test(t, b)
					bustest.AllowUndelivered(t, b)
				}).Failures
				if failures != "" {
					t.Errorf("failures %q", failures)
				}
			})
		})
	}
}

// TestFailedTestsLoseWhatTheyLose has a test that has failed already: what it left undone would only hide why.
func TestFailedTestsLoseWhatTheyLose(t *testing.T) {
	t.Parallel()
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := faketb.Run(t, func(t testing.TB) {
					loss.test(t, bustest.New(t))
					t.Errorf("the test itself")
				}).Failures
				if failures != "the test itself" {
					t.Errorf("failures %q", failures)
				}
			})
		})
	}
}

func TestAllowUndeliveredOfAnotherBus(t *testing.T) {
	t.Parallel()
	b, err := bus.New(&bus.Options{Name: "foreign"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	failures := faketb.Run(t, func(t testing.TB) { bustest.AllowUndelivered(t, b) }).Failures
	if want := `bustest.AllowUndelivered: the bus "foreign" was not made by bustest.New`; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// lossy is a transport that has lost something, and fails to end.
type lossy struct {
	transport.Transport
	events chan transport.Event
}

func (lossy) Stats() transport.Stats           { return transport.Stats{Dropped: 3} }
func (l lossy) Events() <-chan transport.Event { return l.events }
func (lossy) Receive(ctx context.Context, _ []transport.Message) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}
func (l lossy) Shutdown(context.Context) error { return errors.New("1 peer not flushed") }
func (l lossy) Close() error                   { return errors.New("it does not close") }

func TestNewReportsWhatTheTransportSays(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		l := lossy{events: make(chan transport.Event)}
		close(l.events)
		bustest.New(t, &bus.Options{Transport: l})
	}).Failures
	for _, want := range []string{
		"the bus is not done at the end of the test: bus: shutdown incomplete: 1 peer not flushed",
		"the bus has undelivered events: 3 were dropped by the transport",
	} {
		if !strings.Contains(failures, want) {
			t.Errorf("failures %q, want %q", failures, want)
		}
	}
}

// between returns a bus that sends, and may lose, and one that receives, over a network with room for so many events.
func between(t testing.TB, room int) (here, there *bus.Bus) {
	t.Helper()
	network := memory.NewNetwork(&memory.Options{HWM: room})
	here = bustest.New(t, &bus.Options{Transport: network.Join()})
	bustest.AllowUndelivered(t, here)
	return here, bustest.New(t, &bus.Options{Transport: network.Join()})
}

// TestNewReportsGaps has a network without room for all events: the one after them shows that some are missing.
func TestNewReportsGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := faketb.Run(t, func(t testing.TB) {
			here, there := between(t, 1)
			release := make(chan struct{})
			sub := subscribe(t, there, func(context.Context, topic.Event[string]) error {
				<-release
				return nil
			}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
			for range 10 {
				publish(t, here, orders, "x")
				synctest.Wait()
			}
			close(release)
			synctest.Wait()
			publish(t, here, orders, "last")
			synctest.Wait()
			if s := sub.Stats(); s.Dropped+s.Abandoned > 0 || s.Succeeded < 2 {
				t.Errorf("%+v", s)
			}
		}).Failures
		if ok, _ := regexp.MatchString(`^the bus has undelivered events: \d are missing between those that were received \(`, failures); !ok {
			t.Errorf("failures %q", failures)
		}
	})
}

// TestNewReportsWhatFoundNoRoom closes a bus while what it has received waits for room.
func TestNewReportsWhatFoundNoRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := faketb.Run(t, func(t testing.TB) {
			here, there := between(t, 100)
			subscribe(t, there, untilClosed, &subscriber.Options{Queue: 1, Overflow: bus.Block})
			for range 4 {
				publish(t, here, orders, "x")
				synctest.Wait() // else they come together
			}
			if err := there.Close(); err != nil {
				t.Errorf("%v", err)
			}
		}).Failures
		if !strings.Contains(failures, " had been received and found no room before the end") {
			t.Errorf("failures %q", failures)
		}
	})
}

// TestNewNamesWhatIsStillRunning has a worker and a server that do not end.
func TestNewNamesWhatIsStillRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b *bus.Bus
		release := make(chan struct{})
		failures := faketb.Run(t, func(t testing.TB) {
			b = bustest.New(t)
			bustest.AllowUndelivered(t, b)
			_, err := request.Serve(b, greet, func(context.Context, string) (string, error) {
				<-release
				return "", nil
			}, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			client, err := request.NewClient(b, greet, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			go func() { _, _ = client.Do(context.Background(), "ada") }() // ends with the bus
			synctest.Wait()
		}).Failures
		if want := `a handler is still running 10s after the bus was closed: 1 of server "greet", 1 of client "greet"`; failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
		close(release)
		<-b.Done()
	})
}
