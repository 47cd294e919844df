package bus_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// The tests below are named after the sentences of the contract in doc.go. Those about full queues are in overflow_test.go, about
// publishing from handlers in reentrancy_test.go, about transports in remote_test.go, and about the end of a bus in shutdown_test.go.

// Sentence 1: what one bus publishes to one topic reaches each subscription with a single worker in that order.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		exact := bustest.Record(t, b, numbers)
		prefix := bustest.Record(t, b, topic.NewPrefix[int]("num"))
		pattern := bustest.Record(t, b, topic.NewPattern[int](">"))
		const publishers, each = 4, 500
		var wg sync.WaitGroup
		for range publishers {
			p := newPublisher(t, b, numbers)
			wg.Go(func() {
				for i := range each {
					if err := p.Publish(t.Context(), i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, r := range []*bustest.Recorder[int]{exact, prefix, pattern} {
			for i, e := range r.Wait(publishers * each) {
				if e.Seq() != uint64(i+1) {
					t.Fatalf("event %d has sequence %d", i, e.Seq())
				}
			}
		}
		if a, b := exact.All(), prefix.All(); !slices.EqualFunc(a, b, func(x, y topic.Event[int]) bool { return x.Value == y.Value }) {
			t.Error("two subscriptions saw different orders")
		}
	})
}

// Sentence 1: with several workers events are taken in order and handled in parallel.
func TestWorkersBeginInOrderAndRunInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var mu sync.Mutex
		running, most := 0, 0
		s := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second) // the handler's work, in virtual time
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}, &subscriber.Options{Workers: 3})
		p := newPublisher(t, b, numbers)
		begin := time.Now()
		publish(t, t.Context(), p, 1, 2, 3, 4, 5, 6)
		if err := b.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); most != 3 || took != 2*time.Second {
			t.Errorf("%d handlers at once, %v in all; want 3 and 2s", most, took)
		}
		if stats := s.Stats(); stats.Succeeded != 6 {
			t.Errorf("%+v", stats)
		}
	})
}

// Sentence 2: every matching subscription gets every event, and none that does not match.
func TestEveryMatchingSubscriptionGetsEveryEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		created, cancelled := topic.New[string]("orders.created"), topic.New[string]("orders.cancelled")
		recorders := map[string]*bustest.Recorder[string]{
			"created, cancelled": bustest.Record(t, b, topic.NewPrefix[string]("orders.")),
			"created":            bustest.Record(t, b, created),
			"cancelled":          bustest.Record(t, b, topic.NewPattern[string]("*.cancelled")),
			"":                   bustest.Record(t, b, topic.NewPrefix[string]("order.")),
		}
		publish(t, t.Context(), newPublisher(t, b, created), "created")
		publish(t, t.Context(), newPublisher(t, b, cancelled), "cancelled")
		late := bustest.Record(t, b, created)
		synctest.Wait()
		for want, r := range recorders {
			var got []string
			for _, e := range r.All() {
				got = append(got, e.Value)
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if len(late.All()) > 0 {
			t.Error("a subscription got an event that was published before it")
		}
	})
}

// Sentence 2: a handler that misbehaves never delays or starves another subscription.
func TestIsolation(t *testing.T) {
	t.Parallel()
	for name, misbehave := range map[string]func(ctx context.Context){
		"slow":    func(context.Context) { time.Sleep(time.Second) },
		"blocked": func(ctx context.Context) { <-ctx.Done() },
		"panics":  func(context.Context) { panic("on purpose") },
		"exits":   func(context.Context) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				bustest.AllowUndelivered(t, b)
				bad := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
					misbehave(ctx)
					return nil
				}, nil)
				good := bustest.Record(t, b, numbers)
				p := newPublisher(t, b, numbers)
				begin := time.Now()
				for i := range 100 {
					publish(t, t.Context(), p, i)
				}
				good.Wait(100)
				if took := time.Since(begin); took > 0 {
					t.Errorf("the good subscription waited %v", took)
				}
				synctest.Wait()
				balance(t, bad.Stats())
				if name == "panics" || name == "exits" {
					if s := bad.Stats(); s.Failed != 100 {
						t.Errorf("%+v, want all failed", s)
					}
				}
			})
		})
	}
}

// Sentence 2: a subscription of another Go type gets every event that was accepted after it came, those included whose Publish was
// waiting for room then.
func TestForeignSubscriptionMissesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		release := make(chan struct{})
		subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			<-release
			return nil
		}, &subscriber.Options{Queue: 1})
		p := newPublisher(t, b, numbers)
		publish(t, t.Context(), p, 1)
		synctest.Wait()
		publish(t, t.Context(), p, 2)
		for i := range 2 {
			go func() {
				if err := p.Publish(context.Background(), 10+i); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		foreign := bustest.Record(t, b, topic.New[float64]("numbers"))
		close(release)
		if got := foreign.Wait(2); got[0].Value+got[1].Value != 21 {
			t.Errorf("got %v", got)
		}
	})
}

// Sentence 5: a handler that ends its goroutine and panics on the way out counts once, is logged once, and the event after it is handled.
func TestGoexitWithPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logger := zerolog.New(&out)
		b := bustest.New(t, &bus.Options{Logger: &logger})
		release := make(chan struct{})
		var got []int
		s := subscribe(t, b, numbers, func(_ context.Context, e topic.Event[int]) error {
			<-release
			got = append(got, e.Value)
			if e.Value == 1 {
				defer func() { panic("on the way out") }()
				runtime.Goexit()
			}
			return nil
		}, nil)
		publish(t, t.Context(), newPublisher(t, b, numbers), 0, 1, 2, 3)
		close(release)
		synctest.Wait()
		if stats := s.Stats(); !slices.Equal(got, []int{0, 1, 2, 3}) || stats.Failed != 1 {
			t.Errorf("handled %v, %+v", got, stats)
		}
		if log := out.String(); strings.Count(log, "event failed") != 1 || !strings.Contains(log, "on the way out") {
			t.Errorf("logged %s", log)
		}
		balance(t, s.Stats())
	})
}

// Sentence 10: a message is used again when the handler has returned, and Clone keeps it.
func TestCloneKeepsAMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clones []*bus.Message
		keep := bus.Wrap("keep", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				clones = append(clones, m.Clone())
				return next(ctx, m)
			}
		})
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{keep}})
		r := bustest.Record(t, b, words)
		publish(t, t.Context(), newPublisher(t, b, words), "one", "two", "three")
		r.Wait(3)
		for i, want := range []string{`"one"`, `"two"`, `"three"`} {
			payload, err := clones[i].Payload()
			if err != nil || string(payload) != want || clones[i].Seq() != uint64(i+1) || clones[i].Topic() != "words" {
				t.Errorf("clone %d: %s, %v, sequence %d of %q", i, payload, err, clones[i].Seq(), clones[i].Topic())
			}
		}
	})
}

// Sentence 12: all counters of a subscription are read at one moment.
func TestCountersBalanceAtEveryMoment(t *testing.T) {
	t.Parallel()
	quiet := zerolog.Nop()
	b := bustest.New(t, &bus.Options{Logger: &quiet})
	bustest.AllowUndelivered(t, b)
	failing := errors.New("every third fails")
	for name, o := range map[string]*subscriber.Options{
		"block":   {Queue: 8},
		"drop":    {Queue: 8, Overflow: bus.DropOldest},
		"workers": {Queue: 8, Workers: 3},
	} {
		handled := make(chan struct{}, 6000)
		s := subscribe(t, b, numbers, func(_ context.Context, e topic.Event[int]) error {
			handled <- struct{}{}
			switch e.Value % 3 {
			case 0:
				return failing
			case 1:
				runtime.Gosched()
			}
			return nil
		}, o)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				balance(t, s.Stats())
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
		p := newPublisher(t, b, numbers)
		for i := range 3000 {
			publish(t, t.Context(), p, i)
			if i < 10 {
				<-handled
			}
			if i == 2000 {
				wg.Go(func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}
		}
		<-s.Done()
		close(stop)
		wg.Wait()
		stats := s.Stats()
		balance(t, stats)
		if stats.Queued+stats.Running > 0 || stats.Failed == 0 || stats.Succeeded == 0 {
			t.Errorf("%s: %+v", name, stats)
		}
	}
}
