package bustest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

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
		synctest.Wait() // until it is asked
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

// TestEventsArriveAtTheEnd ends a test in a bubble with events on their way to a bus that was opened before or after.
func TestEventsArriveAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, receiverFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("receiver first %v", receiverFirst), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var fake *bustest.Subscriber[string]
				failures := faketb.Run(t, func(t testing.TB) {
					open := bustest.On(t, bustest.Memory())
					here, there := open(), open()
					if receiverFirst {
						here, there = there, here
					}
					fake = bustest.NewSubscriber[string](t)
					subscribe(t, there, fake.Handle, nil)
					publish(t, here, orders, make([]string, 300)...)
				}).Failures
				if handled := len(fake.Seen()); failures != "" || handled != 300 {
					t.Errorf("%d events were handled; failures %q", handled, failures)
				}
			})
		})
	}
}

// TestAllowUndeliveredOnANetwork has a task that nobody does.
func TestAllowUndeliveredOnANetwork(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		b := bustest.On(t, bustest.Memory())()
		losses["nobody does a task"].test(t, b)
		bustest.AllowUndelivered(t, b)
	}).Failures
	if failures != "" {
		t.Errorf("failures %q", failures)
	}
}
