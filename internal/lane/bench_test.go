package lane

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
)

// sample is as large as an event of package topic with a small value.
type sample struct {
	id   int
	text string
	meta [5]uint64
}

var errNegative = errors.New("a negative number")

// adder handles samples through a function with a context and an error, like handlers of users.
type adder struct {
	ctx context.Context
	f   func(context.Context, sample) error
	sum int
}

func newAdder() *adder {
	a := &adder{ctx: context.Background()}
	a.f = a.add
	return a
}

func (a *adder) add(_ context.Context, s sample) error {
	if s.id < 0 {
		return errNegative
	}
	a.sum += s.id + int(s.meta[0])
	return nil
}

func (a *adder) Handle(t *Turn[sample]) {
	for in := t.Next(); in != nil; in = t.Next() {
		s := *in
		if !t.Begin() {
			return
		}
		if a.f(a.ctx, s) != nil {
			t.End(Failed)
		} else {
			t.End(Succeeded)
		}
	}
}

func (a *adder) Aborted(*sample, any) {}

// BenchmarkLog is what an event costs that so many subscriptions read.
func BenchmarkLog(b *testing.B) {
	for _, n := range []int{1, 2, 4, 10, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var mu sync.Mutex
			log, roster := NewLog[sample](1, &mu), &Roster{}
			readers := make([]*Reader[sample], n)
			for i := range readers {
				readers[i] = NewReader(log, config(Config{Roster: roster, Capacity: 1024}), func() Handler[sample] { return newAdder() })
				readers[i].Join(nil)
			}
			b.ReportAllocs()
			for i := range b.N {
				for full := append1(&mu, log, i); full != nil; full = append1(&mu, log, i) {
					if err := (&Wait{}).For(context.Background(), full); err != nil {
						b.Fatal(err)
					}
				}
			}
			for idle := roster.Idle(); idle != nil; idle = roster.Idle() {
				<-idle
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/delivery")
			for _, r := range readers {
				if t := r.Totals(); t.Succeeded != uint64(b.N) {
					b.Errorf("%+v", t)
				}
				r.Close()
			}
		})
	}
}

// append1 appends an event if there is room, as publishers do that hold the lock of the route.
func append1(mu *sync.Mutex, log *Log[sample], id int) *Gate {
	mu.Lock()
	defer mu.Unlock()
	if full := log.Full(); full != nil {
		return full
	}
	e := sample{id: id, text: "text"}
	log.Append(&e)
	return nil
}

// BenchmarkChan is the baseline: the same event through a channel with the same capacity to one handler of the same kind.
func BenchmarkChan(b *testing.B) {
	events, a := make(chan sample, 1024), newAdder()
	var done sync.WaitGroup
	done.Go(func() {
		for s := range events {
			if a.f(a.ctx, s) != nil {
				b.Error(errNegative)
			}
		}
	})
	b.ReportAllocs()
	for i := range b.N {
		events <- sample{id: i, text: "text"}
	}
	close(events)
	done.Wait()
}
