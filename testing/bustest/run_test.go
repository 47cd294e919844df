package bustest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/memory"
)

var (
	greet = request.NewCall[string, string]("greet")
	pack  = pipeline.NewTask[string]("pack")
)

// TestRunConnectsBuses sends an event, a request and a task each way between two buses.
func TestRunConnectsBuses(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		one, other := open(&bus.Options{Name: "one"}), open(nil)
		if one.Name() != "one" {
			t.Errorf("the bus is called %q", one.Name())
		}
		for _, way := range [][2]*bus.Bus{{one, other}, {other, one}} {
			event(t, way[0], way[1])
			ask(t, way[0], way[1])
			task(t, way[0], way[1])
		}
	})
}

// event sends one from a bus to another.
func event(t *testing.T, from, to *bus.Bus) {
	t.Helper()
	got := bustest.Record(t, to, orders)
	pub, err := publisher.New(from, orders, &publisher.Options{Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	got.Expect(bustest.Both(bustest.Equal("first"), bustest.Where("from the other bus", func(e topic.Event[string]) bool { return e.Source() == from.Source() })))
}

// ask sends a request from a bus to another, and takes the reply.
func ask(t *testing.T, from, to *bus.Bus) {
	t.Helper()
	server, err := request.Serve(to, greet, func(_ context.Context, name string) (string, error) { return "hello " + name, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := request.NewClient(from, greet, nil)
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := client.Do(t.Context(), "ada"); err != nil || reply != "hello ada" {
		t.Errorf("%q, %v", reply, err)
	}
}

// task sends one from a bus to another.
func task(t *testing.T, from, to *bus.Bus) {
	t.Helper()
	done := make(chan string, 1)
	worker, err := pipeline.NewWorker(to, pack, func(_ context.Context, v string) error {
		done <- v
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	producer, err := pipeline.NewProducer(from, pack, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := producer.Send(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	if err := producer.Wait(t.Context()); err != nil || <-done != "books" {
		t.Error(err)
	}
}

// TestRunRunsOnEveryNetwork has one of its own besides.
func TestRunRunsOnEveryNetwork(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var names []string
	t.Run("all", func(t *testing.T) {
		own := bustest.Memory()
		own.Name = "own"
		bustest.Run(t, func(t *testing.T, open bustest.Open) {
			open()
			mu.Lock()
			defer mu.Unlock()
			names = append(names, t.Name())
		}, own)
	})
	slices.Sort(names)
	var want []string
	for _, name := range []string{"inproc", "ipc", "memory", "own", "tcp"} {
		want = append(want, t.Name()+"/all/"+name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("ran %q, want %q", names, want)
	}
}

// TestOpenKnowsWhatWasSubscribed opens a bus after another has subscribed: it is known at once.
func TestOpenKnowsWhatWasSubscribed(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		got := bustest.Record(t, open(), orders)
		publish(t, open(), orders, "first")
		got.Expect(equal("first")...)
	})
}

// TestOpenLeavesOutWhatHasEnded opens a bus when the one before it has ended.
func TestOpenLeavesOutWhatHasEnded(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		if err := open().Close(); err != nil {
			t.Fatal(err)
		}
		if err := open().Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := open()
		if err := b.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestOpenNamesItsBuses has buses with and without names.
func TestOpenNamesItsBuses(t *testing.T) {
	t.Parallel()
	open := bustest.On(t, bustest.Memory())
	for _, tc := range []struct {
		options *bus.Options
		want    string
	}{{nil, "1"}, {&bus.Options{Name: "shop"}, "shop"}, {&bus.Options{}, "3"}} {
		if name := open(tc.options).Name(); name != tc.want {
			t.Errorf("the bus is called %q, want %q", name, tc.want)
		}
	}
}

func TestOpenRefusesATransport(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		bustest.On(t, bustest.Memory())(&bus.Options{Transport: memory.NewNetwork(nil).Join()})
	}).Failures
	if want := "the options of Open have a Transport of their own: use bustest.New"; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

// BenchmarkNew is what a bus for a test costs: to open it, and to end and check it.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		faketb.Run(b, func(t testing.TB) { bustest.New(t) })
	}
}

// BenchmarkOpen is what a test over two buses costs more than what it does itself.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		b.Run(n.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				faketb.Run(b, func(t testing.TB) {
					open := bustest.On(t, n)
					open()
					open()
				})
			}
		})
	}
}
