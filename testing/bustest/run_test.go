package bustest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// TestOneOfThreeServes has a client whose requests go to the bus that serves them, at once, and not to the other one.
func TestOneOfThreeServes(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		one, other, server := open(), open(), open()
		handler := bustest.NewCall(t, greet, nil)
		if _, err := request.Serve(server, greet, handler.Handle, nil); err != nil {
			t.Fatal(err)
		}
		for _, b := range []*bus.Bus{one, other} {
			client, err := request.NewClient(b, greet, &request.Options{Timeout: -1}) // a request that nobody answers waits for ever
			if err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if _, err := client.Do(t.Context(), "ada"); err != nil {
					t.Error(err)
				}
			}
		}
		if asked := handler.Seen(); len(asked) != 20 {
			t.Errorf("asked %d times", len(asked))
		}
	})
}

// TestServersMayComeLater asks before anybody serves, as programs that start in any order do.
func TestServersMayComeLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		open := bustest.On(t, bustest.Memory())
		one, _, server := open(), open(), open()
		client, err := request.NewClient(one, greet, &request.Options{Timeout: time.Hour, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		reply := make(chan string)
		go func() {
			s, err := client.Do(t.Context(), "ada")
			reply <- fmt.Sprint(s, " ", err)
		}()
		time.Sleep(time.Minute)
		handler := bustest.NewCall(t, greet, func(name string) (string, error) { return "hello " + name, nil })
		if _, err := request.Serve(server, greet, handler.Handle, nil); err != nil {
			t.Fatal(err)
		}
		if got := <-reply; got != "hello ada <nil>" {
			t.Errorf("got %q", got)
		}
	})
}

// TestTasksAreDoneAtTheEnd ends a test with tasks that another bus has yet to do, which was opened before or after.
func TestTasksAreDoneAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		for _, workerFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, worker first %v", n.Name, workerFirst), func(t *testing.T) {
				t.Parallel()
				var worker *bustest.Task[string]
				failures := faketb.Run(t, func(t testing.TB) {
					open := bustest.On(t, n)
					here, there := open(), open()
					if workerFirst {
						here, there = there, here
					}
					worker = bustest.NewTask(t, pack)
					if _, err := pipeline.NewWorker(there, pack, worker.Handle, nil); err != nil {
						t.Fatalf("%v", err)
					}
					producer, err := pipeline.NewProducer(here, pack, nil)
					if err != nil {
						t.Fatalf("%v", err)
					}
					for range 100 {
						if err := producer.Send(t.Context(), "books"); err != nil {
							t.Fatalf("%v", err)
						}
					}
				}).Failures
				if done := len(worker.Seen()); failures != "" || done != 100 {
					t.Errorf("%d tasks were done; failures %q", done, failures)
				}
			})
		}
	}
}

// TestBusesThatCannotBeMade leave no transport behind: the package's goleak would see it.
func TestBusesThatCannotBeMade(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		bustest.On(t, bustest.TCP())(&bus.Options{Subscribe: []bus.Middleware{{Name: "nothing"}}})
	}).Failures
	if !strings.HasPrefix(failures, "bus.New: bus.Options.Subscribe") {
		t.Errorf("failures %q", failures)
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

// TestNetworksLeaveOutWhatHasEnded is that for transports without buses.
func TestNetworksLeaveOutWhatHasEnded(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			open := n.Open(t)
			if err := open().Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			tr := open()
			defer tr.Close()
			if missing := tr.Pending(); len(missing) > 0 {
				t.Errorf("it waits for %q", missing)
			}
		})
	}
}

// TestSocketsAreNotForBubbles says so at once, where a bubble would hang later.
func TestSocketsAreNotForBubbles(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := faketb.Run(t, func(t testing.TB) { bustest.On(t, n) }).Failures
				want := "sockets do not work in a bubble of testing/synctest, so neither does the network " + n.Name + ": use bustest.Memory"
				if failures != want {
					t.Errorf("failures %q, want %q", failures, want)
				}
			})
		})
	}
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

// TestNetworksConnectThree has each of three buses publish to the two others.
func TestNetworksConnectThree(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			open := bustest.On(t, n)
			buses := []*bus.Bus{open(), open(), open()}
			for _, b := range buses {
				pub, err := publisher.New(b, orders, &publisher.Options{Remote: true})
				if err != nil {
					t.Fatal(err)
				}
				var got []*bustest.Recorder[string]
				for _, other := range buses {
					if other != b {
						got = append(got, bustest.Record(t, other, orders))
					}
				}
				if err := pub.WaitSubscribers(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
				if err := pub.Publish(t.Context(), b.Source().String()); err != nil {
					t.Fatal(err)
				}
				for _, g := range got {
					g.Expect(bustest.Equal(b.Source().String()))
				}
			}
		})
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
