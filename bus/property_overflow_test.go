package bus_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"pgregory.net/rapid"
)

// queueModel is what a subscription with one worker does, event by event.
type queueModel struct {
	overflow bus.Overflow
	capacity int
	waiting  []modelled
	begun    []int // IDs
	running  bool
	dropped  int
}

type modelled struct{ id, on, key int }

// publish reports whether the event is accepted.
func (q *queueModel) publish(e modelled) bool {
	if !q.running {
		q.running = true
		q.begun = append(q.begun, e.id)
		return true
	}
	full := len(q.waiting) == q.capacity
	switch q.overflow {
	case bus.Fail:
		if full {
			return false
		}
	case bus.DropNewest:
		if full {
			q.dropped++
			return true
		}
	case bus.Latest, bus.DropOldest:
		same := func(other modelled) bool { return other.on == e.on && other.key == e.key }
		if i := slices.IndexFunc(q.waiting, same); i >= 0 && q.overflow == bus.Latest {
			q.waiting[i] = e
			q.dropped++
			return true
		}
		if full {
			q.waiting = q.waiting[1:]
			q.dropped++
		}
	default:
		if full {
			return false
		}
	}
	q.waiting = append(q.waiting, e)
	return true
}

// release lets the handler return.
func (q *queueModel) release() {
	q.running = len(q.waiting) > 0
	if q.running {
		q.begun = append(q.begun, q.waiting[0].id)
		q.waiting = q.waiting[1:]
	}
}

// Sentence 3: whatever is published to a subscription whose handler is slow, every policy keeps, drops and refuses exactly what it says.
func TestOverflowProperty(t *testing.T) {
	t.Parallel()
	var said atomic.Bool
	check(t, func(rt *rapid.T) {
		d := drawn{T: rt}
		q := &queueModel{overflow: bus.Overflow(d.between(0, 5, "overflow")), capacity: d.between(1, 4, "queue")}
		timeout := q.overflow == bus.Block && d.one(2, "timeout?")
		var steps []modelled // without an ID: the handler returns
		for i := range d.many(1, 25, "steps") {
			steps = append(steps, modelled{})
			if !d.one(4, "release") {
				steps[i] = modelled{i + 1, d.between(0, 1, "topic"), d.between(0, 2, "key")}
			}
		}
		rapid.SyncTest(rt, func(rt *rapid.T) { q.run(spoken{rt, t, &said}, steps, timeout) })
	})
}

// run takes the steps on a bus as well, and compares.
func (q *queueModel) run(f failer, steps []modelled, timeout bool) {
	w := newWorld(f, bus.Options{})
	defer w.bus.Close()
	o := &subscriber.Options{Queue: q.capacity, Overflow: q.overflow}
	if timeout {
		o.BlockTimeout = time.Second
	}
	var begun []int
	s, err := subscriber.New(w.bus, topic.NewPrefix[item]("a."), func(_ context.Context, e topic.Event[item]) error {
		begun = append(begun, e.Value.ID)
		<-w.gate
		return nil
	}, o)
	if err != nil {
		panic(err)
	}
	for _, e := range steps {
		if e.id > 0 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			err := w.pubs[e.on].Publish(ctx, item{ID: e.id}, publisher.Key([]string{"", "k", "l"}[e.key]))
			cancel()
			if accepted := q.publish(e); accepted != (err == nil) {
				f.Errorf("%v: publishing %+v: %v", q, e, err)
			}
			if wait := q.overflow == 0 || q.overflow == bus.Block && !timeout; err != nil && errors.Is(err, bus.ErrFull) == wait {
				f.Errorf("%v: publishing %+v: %v", q, e, err)
			}
		} else if q.running {
			w.gate <- struct{}{}
			q.release()
		}
		synctest.Wait()
		st, running := s.Stats(), 0
		if q.running {
			running = 1
		}
		if int(st.Queued) != len(q.waiting) || int(st.Running) != running || int(st.Dropped) != q.dropped || int(st.Succeeded) != len(q.begun)-running {
			f.Errorf("%+v: %+v", q, st)
		}
		if !slices.Equal(begun, q.begun) {
			f.Errorf("%+v: got %v", q, begun)
		}
	}
	close(w.gate)
}
