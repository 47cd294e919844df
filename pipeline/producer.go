package pipeline

import (
	"context"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
)

// Producer sends tasks of one Go type and name. All methods may be called concurrently, and from handlers.
type Producer[T any] struct {
	task     Task[T]
	core     *producer
	encodes  bool         // tasks may leave the process
	frames   codec.Frames // nil if the codec makes one piece
	limit    int          // of their size, in bytes
	parts    int          // of their frames
	encoders sync.Pool
	party    bus.Party
	chain    bus.Handler // middleware around accept; nil without middleware
	sendings sync.Pool
}

// sending is a task on its way through the middleware chain.
type sending[T any] struct {
	event   topic.Event[T]
	message *bus.Message
}

// encoding is a value on its way to its payload.
type encoding[T any] struct {
	value  T
	buffer []byte
}

// NewProducer returns a producer of a task on b. nil options mean the defaults. It returns a [*bus.OptionError] for a task that was not made by
// this package and for options outside their limits, a [*bus.OrderError] for middleware in an order that cannot work, an [*InUseError] when
// another task of the bus is Plain, and [bus.ErrClosed] when the bus is closed.
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
	p := &Producer[T]{task: t, frames: codec.FramesOf(t.codec), party: bus.Party{Bus: b, Role: bus.RoleProducer, Name: t.name}}
	if p.chain, err = b.Chain(p.party.Role, "pipeline.ProducerOptions.Middleware", options.Middleware, p.innermost); err != nil {
		return nil, err
	}
	h := hubOf(b)
	if err := h.produce(); err != nil {
		return nil, err
	}
	if p.core, err = h.newProducer(t.name, t.codec, &options); err != nil {
		return nil, err
	}
	if h.tasker != nil && h.tasker.Pushes() {
		p.encodes, p.limit, p.parts = true, h.tasker.TaskLimit(), h.tasker.FrameLimit()
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
// It waits while the queue is full, until ctx ends. It returns ctx's error, [bus.ErrClosed], a [*FullError], a [*SizeError], a
// [*FramesError], an [*AttributeError], the error of a middleware, or of the task's codec: a value is encoded here when the bus has a transport with a Push
// endpoint. After an error the task was not sent, unless a middleware fails after having handed it on. The value belongs to the bus from now on.
func (p *Producer[T]) Send(ctx context.Context, v T, attributes ...Attribute) error {
	text, err := encodeAttributes(attributes)
	if err != nil {
		return err
	}
	e := topic.FromMeta(v, envelope.Meta{Origin: p.core.origin, Time: p.core.depot.hub.bus.Now(), Text: text})
	if p.chain == nil {
		return p.accept(ctx, &e)
	}
	s, _ := p.sendings.Get().(*sending[T])
	if s == nil {
		s = &sending[T]{message: bus.NewMessage(&p.party, p.task.codec)}
	}
	s.event = e
	s.message.Reset(s.event.Meta(), &s.event, &s.event.Value)
	err = p.chain(ctx, s.message)
	s.event = topic.Event[T]{}
	p.sendings.Put(s)
	return err
}

// innermost is the end of the middleware chain, which may have set headers, or another payload.
func (p *Producer[T]) innermost(ctx context.Context, m *bus.Message) error {
	return p.accept(ctx, m.Event().(*topic.Event[T]))
}

// accept puts a task into the queue, encoded if it may leave the process, and gives it its number.
func (p *Producer[T]) accept(ctx context.Context, e *topic.Event[T]) (err error) {
	m := e.Meta()
	if err := checkSize(m.Text); err != nil {
		return err
	}
	s := slot{time: m.Time, text: m.Text}
	switch {
	case len(m.Encoded()) == 1: // by a middleware
		s.payload = m.Encoded()[0]
	case m.Encoded() != nil:
		s.value = frames(m.Encoded())
	case p.encodes:
		m.Seq, err = p.encode(ctx, s, e.Value)
		return err
	default:
		s.value = boxed(e.Value)
	}
	m.Seq, err = p.send(ctx, s, true)
	return err
}

// encode is accept for a value that may leave the process.
func (p *Producer[T]) encode(ctx context.Context, s slot, v T) (seq uint64, err error) {
	e, _ := p.encoders.Get().(*encoding[T])
	if e == nil {
		e = &encoding[T]{}
	}
	defer p.encoders.Put(e)
	e.value = v
	if f := p.frames; f != nil {
		parts, err := f.AppendFrames(nil, &e.value)
		e.value = *new(T)
		if err != nil {
			return 0, err
		}
		s.value = frames(parts)
		return p.send(ctx, s, true)
	}
	e.buffer, err = p.task.codec.Append(e.buffer[:0], &e.value)
	e.value = *new(T)
	if err != nil {
		return 0, err
	}
	s.payload = e.buffer
	if s.payload == nil {
		s.payload = []byte{}
	}
	if p.core.depot.staffed.Load() { // the workers of this bus get the value as it is
		s.value = boxed(v)
	}
	owned := len(s.payload) >= ownedSize
	if owned {
		e.buffer = nil
	}
	return p.send(ctx, s, owned)
}

// send puts a task into the queue that the transport can carry, if there is one.
func (p *Producer[T]) send(ctx context.Context, s slot, owned bool) (seq uint64, err error) {
	if p.encodes {
		if size := p.size(&s); size > p.limit {
			return 0, &SizeError{Task: p.task.name, Size: size, Limit: p.limit}
		}
		if parts, ok := s.value.(frames); ok && len(parts) > p.parts {
			return 0, &FramesError{Task: p.task.name, Frames: len(parts), Limit: p.parts}
		}
	}
	return p.core.send(ctx, s, owned)
}

// boxed is apart, so that values that are only encoded stay on the stack.
func boxed[T any](v T) any { return &v }

// size is what the task takes on the wire, with some more for the headers of a dead letter where the limit is not small.
func (p *Producer[T]) size(s *slot) int {
	const properties = 2*(1+4) + len(envelope.ContentTypeProperty) + len(attemptProperty) + 20 // the number of the attempt at the end
	name := p.task.name
	return len(name) + envelope.Size + properties + len(p.core.origin.ContentType) + len(s.text) + s.size() + min(maxOwn/2, p.limit/16)
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
