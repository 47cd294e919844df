package fault

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// readBatch is how many events are read at once.
const readBatch = 128

// incoming are the events that have arrived, and wait for their time or for the reader.
type incoming struct {
	buffer []transport.Message // only the reader uses it
	free   time.Time           // when a slow reader has read the last one

	mu    sync.Mutex
	queue []late
}

// late is an event that is to be received at a certain time.
type late struct {
	due     time.Time
	message transport.Message
}

// Receive reads on while events wait for their time. What waits when the transport ends is not received.
func (t *wrapped) Receive(ctx context.Context, into []transport.Message) (n int, err error) {
	for {
		if !t.over() {
			if n := t.take(into); n > 0 {
				return n, nil
			}
		}
		if err := t.read(ctx, len(into)); err != nil {
			return 0, err
		}
	}
}

// take takes the events that are due.
func (i *incoming) take(into []transport.Message) (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n < len(into) && n < len(i.queue) && time.Until(i.queue[n].due) <= 0 {
		into[n] = i.queue[n].message
		n++
	}
	i.queue = i.queue[n:]
	return n
}

// front returns when the next event is due, and how many there are.
func (i *incoming) front() (due time.Time, n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.queue) > 0 {
		due = i.queue[0].due
	}
	return due, len(i.queue)
}

// left counts the events that were not received.
func (i *incoming) left() uint64 {
	_, n := i.front()
	return uint64(n)
}

// read reads some events, or waits until the next one is due.
func (t *wrapped) read(ctx context.Context, room int) error {
	until := ctx
	due, waiting := t.front()
	if t.over() { // what comes yet, before the error, waits as well
		due, waiting = time.Time{}, 0
	}
	if waiting > 0 {
		var cancel context.CancelFunc
		until, cancel = context.WithDeadline(ctx, due)
		defer cancel()
	}
	n := min(room, readBatch)
	if t.faults.plan.Read > 0 {
		n = 1
	}
	ready := t.free
	if waiting >= maxParcels {
		ready = due
	}
	if !pause(time.Until(ready), t.ended, until.Done()) && !t.over() || waiting >= maxParcels && !t.over() {
		return ctx.Err()
	}
	if len(t.buffer) < n {
		t.buffer = make([]transport.Message, n)
	}
	n, err := t.real.Receive(until, t.buffer[:n])
	now := time.Now()
	t.free = now.Add(time.Duration(n) * t.faults.plan.Read)
	for i := range n {
		t.arrive(&t.buffer[i], now)
	}
	clear(t.buffer[:n])
	if n > 0 || waiting > 0 && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// arrive decides what becomes of an event.
func (t *wrapped) arrive(m *transport.Message, now time.Time) {
	a, h, from := t.describe(anEvent, m)
	lost := t.cut.Load()
	if from != nil && a.kind == anEvent {
		lost = t.missed.has(h.Source, m.Topic, h.Seq)
	}
	if lost {
		t.withheld.Add(1)
		t.faults.log.lost(t.name, a)
		return
	}
	fate := t.faults.fate(a)
	if fate.drop {
		t.withheld.Add(1)
		t.faults.log.dropped(a)
		return
	}
	i := &t.incoming
	i.mu.Lock()
	defer i.mu.Unlock()
	due := now.Add(fate.delay) // it waits for those before it as well
	if fate.delay > 0 {
		t.faults.log.delayed()
	}
	i.queue = append(i.queue, late{due, *m})
	if fate.duplicate {
		t.withheld.Add(-1)
		t.faults.log.duplicated(a)
		i.queue = append(i.queue, late{due, copied(m)})
	}
}
