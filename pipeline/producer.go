package pipeline

import (
	"context"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
)

// Producer sends tasks of one Go type and name. All methods may be called concurrently, and from handlers.
type Producer[T any] struct {
	task     Task[T]
	core     *producer
	encodes  bool // tasks may leave the process
	limit    int  // of their size, in bytes
	encoders sync.Pool
}

// encoding is a value on its way to its payload.
type encoding[T any] struct {
	value  T
	buffer []byte
}

// NewProducer returns a producer of a task on b. nil options mean the defaults. It returns a [*bus.OptionError] for a task that was not made by
// this package and for options outside their limits, an [*InUseError] when another task of the bus is Plain, and [bus.ErrClosed] when
// the bus is closed.
func NewProducer[T any](b *bus.Bus, t Task[T], o *ProducerOptions) (*Producer[T], error) {
	if t.name == "" || t.codec == nil {
		return nil, &bus.OptionError{Field: "pipeline.NewProducer task", Value: t.name, Limit: "one made by package pipeline, with a codec"}
	}
	if n := len(t.codec.ContentType()); n > maxContentType {
		return nil, &bus.OptionError{Field: "content type of the task's codec", Value: t.codec.ContentType(), Limit: "at most 256 bytes"}
	}
	options, err := o.withDefaults(t.name)
	if err != nil {
		return nil, err
	}
	h := hubOf(b)
	if err := h.produce(); err != nil {
		return nil, err
	}
	core, err := h.newProducer(t.name, t.codec, &options)
	if err != nil {
		return nil, err
	}
	p := &Producer[T]{task: t, core: core}
	if h.tasker != nil && h.tasker.Pushes() {
		p.encodes, p.limit = true, h.tasker.TaskLimit()
	}
	return p, nil
}

// maxContentType is the longest content type, in bytes.
const maxContentType = 256

// newProducer makes the part without a Go type, and the one that sends its dead letters.
func (h *hub) newProducer(task string, c codec.Codec, o *ProducerOptions) (*producer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ending() {
		return nil, bus.ErrClosed
	}
	d, err := h.depot(task)
	if err != nil {
		return nil, err
	}
	dead, err := h.depot(o.DeadLetter)
	if err != nil {
		return nil, err
	}
	if o.Plain {
		if h.plain != nil && h.plain != d {
			return nil, &InUseError{What: "pipeline.ProducerOptions.Plain", Task: h.plain.name}
		}
		h.openPlain(d)
	}
	origin := &envelope.Origin{Topic: task, Source: h.bus.Source(), ContentType: c.ContentType()}
	deadOrigin := *origin
	deadOrigin.Topic = o.DeadLetter
	p := &producer{
		depot: d, origin: origin, codec: c, room: &room{limit: int64(o.Queue)},
		limit: o.Queue, attempts: o.Attempts, ackTimeout: o.AckTimeout,
	}
	p.dead = &producer{depot: dead, origin: &deadOrigin, codec: c, room: p.room, limit: o.Queue, attempts: -1, ackTimeout: o.AckTimeout}
	d.lock()
	d.queue.producers++
	d.unlock()
	h.changed.Tell()
	return p, nil
}

// openPlain has the tasks of d go to plain peers. The lock is held.
func (h *hub) openPlain(d *depot) {
	if h.plain != nil {
		return
	}
	h.plain = d
	for _, r := range h.remotes {
		if c := r.claims[""]; c != nil {
			c.attach(d)
		}
	}
}

// Send takes a task. It returns when the task is in the queue, not when it was handled: see [Producer.Wait].
//
// It waits while the queue is full, until ctx ends. It returns ctx's error, [bus.ErrClosed], a [*FullError], a [*SizeError], an
// [*AttributeError], or the error of the task's codec: a value is encoded here when the bus has a transport with a Push endpoint. After
// an error the task was not sent. The value belongs to the bus from now on.
func (p *Producer[T]) Send(ctx context.Context, v T, attributes ...Attribute) error {
	text, err := encodeAttributes(attributes)
	if err != nil {
		return err
	}
	s := slot{time: p.core.depot.hub.bus.Now(), text: text}
	if !p.encodes {
		s.value = boxed(v)
		return p.core.send(ctx, s, false)
	}
	e, _ := p.encoders.Get().(*encoding[T])
	if e == nil {
		e = &encoding[T]{}
	}
	defer p.encoders.Put(e)
	e.value = v
	e.buffer, err = p.task.codec.Append(e.buffer[:0], &e.value)
	e.value = *new(T)
	if err != nil {
		return err
	}
	s.payload = e.buffer
	if s.payload == nil {
		s.payload = []byte{}
	}
	if size := p.size(&s); size > p.limit {
		return &SizeError{Task: p.task.name, Size: size, Limit: p.limit}
	}
	if p.core.depot.staffed.Load() { // the workers of this bus get the value as it is
		s.value = boxed(v)
	}
	owned := len(s.payload) >= ownedSize
	if owned {
		e.buffer = nil
	}
	return p.core.send(ctx, s, owned)
}

// boxed is apart, so that values that are only encoded stay on the stack.
func boxed[T any](v T) any { return &v }

// size is what the task takes on the wire at most.
func (p *Producer[T]) size(s *slot) int {
	return len(p.task.name) + envelope.Size + maxOwn + len(s.text) + len(s.payload)
}

// SendBatch sends each of values as Send does, in order, all with the same attributes. It stops at the first one that is not accepted, and
// returns how many were accepted before it.
func (p *Producer[T]) SendBatch(ctx context.Context, values []T, attributes ...Attribute) (n int, err error) {
	for _, v := range values {
		if err := p.Send(ctx, v, attributes...); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Wait waits until every task that this producer sent before the call is done: acknowledged by a worker, or handed to a plain peer. Tasks that
// are sent later do not prolong it.
//
// When ctx ends before, the error is an [*UnfinishedError] that says how many are left. When some went to the dead-letter task, and no Wait has
// told of them yet, it is a [*DeadLetterError] after all others are done. At the end of the bus it is [bus.ErrClosed].
func (p *Producer[T]) Wait(ctx context.Context) error { return p.core.wait(ctx) }

// WaitWorkers waits until the task has n workers: each Worker of the same bus counts once, each connected process with workers for it once,
// and if the task is Plain, each connected plain PULL peer. When ctx ends first, the error is a [*bus.NotReadyError]; after the end of
// the bus it is [bus.ErrClosed].
func (p *Producer[T]) WaitWorkers(ctx context.Context, n int) error {
	d := p.core.depot
	return d.hub.await(ctx, n, "workers", d.name, func() int {
		d.lock()
		defer d.unlock()
		have := d.crew.active()
		for _, c := range d.queue.consumers {
			if c.counts() {
				have++
			}
		}
		return have
	})
}

// Task returns the task that is sent.
func (p *Producer[T]) Task() Task[T] { return p.task }

// Close ends the producer. What it has sent stays in the queue of the bus until it is done. It is idempotent, does not wait, and returns nil.
func (p *Producer[T]) Close() error {
	d := p.core.depot
	d.lock()
	if !p.core.closed {
		p.core.closed = true
		d.queue.producers--
	}
	d.unlock()
	d.hub.changed.Tell()
	return nil
}
