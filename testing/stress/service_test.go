package stress_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// item is what is published. Hops is how many more events its handlers may publish, one after the other.
type item struct{ ID, Hops int }

var topics = func() (all []topic.Topic[item]) {
	for i := range 6 {
		all = append(all, topic.New[item](fmt.Sprintf("stress.%d.%d", i%2, i)).WithKey(func(v item) string {
			return fmt.Sprint(v.ID % 17)
		}))
	}
	return all
}()

// last is what is published to at the end.
var last = topic.New[item]("stress.end")

var everything = topic.NewPrefix[item]("stress.")

// service is a bus with publishers, and subscriptions that come and go.
type service struct {
	t        *testing.T
	bus      *bus.Bus
	pubs     []*publisher.Publisher[item]
	watcher  *subscriber.Subscription // to everything, from the beginning to the end; it drops nothing that was published here
	accepted atomic.Uint64            // publishes that returned nil, or an error of an inline handler
	refused  atomic.Uint64

	mu      sync.Mutex
	random  *rand.Rand
	toldEnd chan struct{} // told of each event of the topic last
	open    []*subscriber.Subscription
	closed  []*subscriber.Subscription
}

func newService(t *testing.T, random *rand.Rand, o *bus.Options) *service {
	t.Helper()
	o.Logger = &quiet
	b, err := bus.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, bus: b, random: random, toldEnd: make(chan struct{}, 1)}
	for _, on := range topics {
		pub, err := publisher.New(b, on, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.pubs = append(s.pubs, pub)
	}
	ignore := func(context.Context, topic.Event[item]) error { return nil }
	if s.watcher, err = subscriber.New(b, everything, ignore, &subscriber.Options{Name: "watcher", Overflow: bus.Block}); err != nil {
		t.Fatal(err)
	}
	_, err = subscriber.New(b, last, func(context.Context, topic.Event[item]) error {
		select {
		case s.toldEnd <- struct{}{}:
		default:
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sayEnd publishes to last until that has arrived: then everything before it has. What is dropped on the way is published again.
func (s *service) sayEnd(ctx context.Context, arrived <-chan struct{}) {
	pub, err := publisher.New(s.bus, last, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if err := pub.Publish(ctx, item{}); err != nil {
			s.t.Errorf("the end was not published: %v", err)
			return
		}
		s.accepted.Add(1)
		select {
		case <-arrived:
			return
		case <-ticker.C:
		}
	}
}

// int returns a random number below n.
func (s *service) int(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// send publishes to a random topic.
func (s *service) send(ctx context.Context, v item) error {
	err := s.pubs[s.int(len(s.pubs))].Publish(ctx, v)
	var inline *bus.InlineError
	if err == nil || errors.As(err, &inline) {
		s.accepted.Add(1)
	} else {
		s.refused.Add(1)
	}
	return err
}

// publish publishes until stop, with now and then a context that does not wait.
func (s *service) publish(ctx context.Context, stop <-chan struct{}) {
	over, cancel := context.WithCancel(ctx)
	cancel()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		with := ctx
		if i%50 == 0 {
			with = over
		}
		if err := s.send(with, item{ID: i, Hops: s.int(3)}); err != nil && ctx.Err() != nil {
			s.t.Errorf("a publish waits for ever: %v", err)
			return
		}
	}
}

// handle is what handlers do with an event.
func (s *service) handle(ctx context.Context, v item) error {
	switch n := s.int(1000); {
	case n == 0:
		panic("on purpose")
	case n == 1:
		runtime.Goexit()
	case n < 20:
		return errors.New("on purpose")
	case n < 40:
		return bus.ErrFiltered
	case n < 60:
		runtime.Gosched()
	case n < 300:
		return s.sendOn(ctx, v)
	}
	return nil
}

// sendOn publishes from a handler.
func (s *service) sendOn(ctx context.Context, v item) error {
	if v.Hops == 0 {
		return nil
	}
	err := s.send(ctx, item{ID: v.ID, Hops: v.Hops - 1})
	var inline *bus.InlineError
	if err != nil && !errors.Is(err, bus.ErrFull) && !errors.Is(err, bus.ErrClosed) && !errors.Is(err, context.Canceled) && !errors.As(err, &inline) {
		s.t.Errorf("publish from a handler: %v", err)
	}
	return err
}

// subscribe opens a random subscription.
func (s *service) subscribe() (*subscriber.Subscription, error) {
	handle := func(ctx context.Context, e topic.Event[item]) error { return s.handle(ctx, e.Value) }
	var sel topic.Selector[item] = topics[s.int(len(topics))]
	switch s.int(4) {
	case 0:
		sel = topic.NewPattern[item]("stress.*.3")
	case 1:
		sel = topic.NewPrefix[item]("stress.1")
	}
	o := subscriber.Options{Overflow: bus.Overflow(s.int(6)), Queue: 1 + s.int(64), Workers: 1 + s.int(4)}
	switch s.int(7) {
	case 0: // what ends a goroutine would end the publisher's, before it has counted
		return subscriber.New(s.bus, sel, func(ctx context.Context, e topic.Event[item]) error {
			if e.Value.ID%100 == 99 {
				panic("on purpose")
			}
			return s.sendOn(ctx, e.Value)
		}, &subscriber.Options{Inline: true})
	case 1:
		return subscriber.New(s.bus, everything, handle, &subscriber.Options{Group: "group", LocalGroup: true, Workers: 2})
	case 2:
		return subscriber.Batch(s.bus, sel, func(ctx context.Context, all []topic.Event[item]) error {
			return s.handle(ctx, all[0].Value)
		}, &subscriber.BatchOptions{Options: o, Size: 1 + s.int(o.Queue), Linger: time.Millisecond})
	case 3: // another type
		return subscriber.New(s.bus, topic.New[struct{ ID float64 }](topics[s.int(len(topics))].String()),
			func(ctx context.Context, e topic.Event[struct{ ID float64 }]) error {
				return s.handle(ctx, item{ID: int(e.Value.ID)})
			}, &o)
	default:
		return subscriber.New(s.bus, sel, handle, &o)
	}
}

// churn opens and closes subscriptions until stop.
func (s *service) churn(stop <-chan struct{}) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C: // the pace of the load
		}
		sub, err := s.subscribe()
		if err != nil {
			s.t.Error(err)
			return
		}
		s.mu.Lock()
		s.open = append(s.open, sub)
		var old *subscriber.Subscription
		if len(s.open) > 12 {
			k := s.random.IntN(len(s.open))
			old = s.open[k]
			s.open[k] = s.open[len(s.open)-1]
			s.open = s.open[:len(s.open)-1]
			s.closed = append(s.closed, old)
		}
		s.mu.Unlock()
		if old != nil {
			if err := old.Close(); err != nil {
				s.t.Error(err)
			}
		}
	}
}

// all returns all subscriptions there ever were.
func (s *service) all() []*subscriber.Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(append([]*subscriber.Subscription{s.watcher}, s.open...), s.closed...)
}

// check looks at all counters until stop.
func (s *service) check(stop <-chan struct{}) {
	for {
		for _, sub := range s.all() {
			s.balance(sub.Stats())
		}
		select {
		case <-stop:
			return
		default:
			runtime.Gosched()
		}
	}
}

func (s *service) balance(n subscriber.Stats) {
	if sum := n.Queued + n.Running + n.Succeeded + n.Failed + n.Filtered + n.Dropped + n.Abandoned; n.Matched != sum {
		s.t.Errorf("matched %d, the others add up to %d: %+v", n.Matched, sum, n)
	}
}

// end shuts the service down, and checks what holds then.
func (s *service) end(ctx context.Context) {
	if err := s.bus.Shutdown(ctx); err != nil {
		s.t.Errorf("%s: %v", s.bus.Name(), err)
	}
	<-s.bus.Done()
	for _, sub := range s.all() {
		n := sub.Stats()
		s.balance(n)
		if n.Queued+n.Running > 0 {
			s.t.Errorf("at the end of %s: %+v", s.bus.Name(), n)
		}
	}
	b, w := s.bus.Stats(), s.watcher.Stats()
	if accepted, refused := s.accepted.Load(), s.refused.Load(); b.Published != accepted || b.Refused != refused {
		s.t.Errorf("%s: %d published and %d refused, %d and %d were returned", s.bus.Name(), b.Published, b.Refused, accepted, refused)
	}
	if w.Succeeded != b.Published+b.Received || w.Dropped > 0 {
		s.t.Errorf("%s: the watcher has handled %d of %d published and %d received events: %+v", s.bus.Name(), w.Succeeded, b.Published, b.Received, w)
	}
}

func (s *service) tally() (all tally) {
	b := s.bus.Stats()
	all = tally{Published: b.Published, Refused: b.Refused, Received: b.Received, Lost: b.Lost}
	for _, sub := range s.all() {
		n := sub.Stats()
		all.Handled += n.Succeeded + n.Failed + n.Filtered
		all.Dropped += n.Dropped
		all.Abandoned += n.Abandoned
	}
	return all
}
