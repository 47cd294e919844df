package pipeline

import (
	"context"
	"reflect"
	"slices"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// Worker is a function that handles tasks. All methods may be called concurrently, and from the function.
type Worker struct{ core *worker }

// NewWorker calls handler for tasks of that name: those that are sent on the same bus, and those that the transport brings. A task is
// acknowledged after the handler has returned nil.
//
// When the handler returns an error, panics or ends its goroutine, the task is given again after Options.RetryDelay, to any worker; see
// [DeadLetter] and [RetryAfter] for other wishes. [bus.ErrFiltered] says that there was nothing to do, and the task is done. The handler's
// context ends with the bus; a Send or Publish in the handler should use it.
//
// nil options mean the defaults. NewWorker returns a [*bus.OptionError] for a task that was not made by this package and for options
// outside their limits, a [*bus.OrderError] for middleware in an order that cannot work, an [*InUseError] when the bus has another worker that is
// Default, and [bus.ErrClosed] when the bus is closed.
func NewWorker[T any](b *bus.Bus, t Task[T], handler func(ctx context.Context, v T) error, o *Options) (*Worker, error) {
	if handler == nil {
		return nil, &bus.OptionError{Field: "pipeline.NewWorker handler", Value: nil, Limit: "a function"}
	}
	if t.name == "" || t.codec == nil {
		return nil, &bus.OptionError{Field: "pipeline.NewWorker task", Value: t.name, Limit: "one made by package pipeline, with a codec"}
	}
	options, err := o.withDefaults(t.name)
	if err != nil {
		return nil, err
	}
	f := &function[T]{task: t, handler: handler, decoder: bus.NewDecoder(t.codec), party: bus.Party{Bus: b, Role: bus.RoleWorker, Name: options.Name}}
	if f.chain, err = b.Chain(f.party.Role, middlewareField, options.Middleware, f.innermost); err != nil {
		return nil, err
	}
	w, err := hubOf(b).hire(t.name, &options, f.newHand)
	if err != nil {
		return nil, err
	}
	return &Worker{w}, nil
}

// middlewareField is the option that the middleware of a worker stands in.
const middlewareField = "pipeline.Options.Middleware"

// Plan is what [bus.Bus.Explain] asks for, inside the module. What comes from plain peers comes at most once.
func (w *Worker) Plan() (e bus.Explanation, field string, own []bus.Middleware) {
	o := &w.core.options
	e = bus.Explanation{
		Role: bus.RoleWorker, Name: o.Name, Topics: w.core.depot.name, Workers: o.Workers, Queue: o.Workers * o.Prefetch, Local: bus.AtLeastOnce,
	}
	if t := w.core.depot.hub.tasker; t != nil && t.Pulls() {
		e.Remote = bus.AtLeastOnce
	}
	return e, middlewareField, o.Middleware
}

// hire makes a worker, and gives credit to the producers that are connected.
func (h *hub) hire(task string, o *Options, newHand func() hand) (*worker, error) {
	w, err := h.enlist(task, o, newHand)
	if err != nil {
		return nil, err
	}
	if err := h.work(); err != nil {
		w.close()
		return nil, err
	}
	h.changed.Tell()
	return w, nil
}

// enlist adds a worker to the crew of its task.
func (h *hub) enlist(task string, o *Options, newHand func() hand) (*worker, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o.Default && h.fallback != nil && !h.fallback.over() {
		return nil, &InUseError{What: "pipeline.Options.Default", Task: h.fallback.depot.name}
	}
	d, err := h.depot(task)
	if err != nil {
		return nil, err
	}
	w := newWorker(d, o, newHand)
	if err := h.bus.Register(w); err != nil {
		return nil, err
	}
	d.lock()
	d.crew.workers = append(d.crew.workers, w)
	d.staffed.Store(true)
	d.crew.changed()
	d.unlock()
	if o.Default {
		h.fallback = w
		h.vacate(d)
	}
	for _, src := range h.sources {
		h.welcome(src, d)
	}
	return w, nil
}

// function is what a worker calls.
type function[T any] struct {
	task    Task[T]
	handler func(context.Context, T) error
	decoder bus.Decoder
	party   bus.Party
	chain   bus.Handler // middleware around handler; nil without middleware
}

// typedHand is the hand of one goroutine.
type typedHand[T any] struct {
	function *function[T]
	event    topic.Event[T] // the task at hand, as middleware sees it
	message  *bus.Message   // nil without middleware
	single   [1][]byte      // a payload in one piece
	last     *producer      // that shares was asked about
	shared   bool           // and what it has answered
}

// shares reports whether a producer of the same Go type has the same codec.
func (h *typedHand[T]) shares(p *producer) bool {
	if p != h.last {
		h.last, h.shared = p, same(p.codec, h.function.task.codec)
	}
	return h.shared
}

func (f *function[T]) newHand() hand {
	h := &typedHand[T]{function: f}
	if f.chain != nil {
		h.message = bus.NewMessage(&f.party, f.task.codec)
	}
	return h
}

// handle takes a task through the chain, or straight to the handler when there is none.
func (h *typedHand[T]) handle(ctx context.Context, j *job) error {
	h.event = topic.FromMeta(*new(T), j.meta())
	defer h.forget()
	if p, ok := j.value.(*T); ok && h.shares(j.from) {
		h.event.Value = *p
	} else {
		payload, err := j.encoded(&h.single)
		if err != nil {
			return err
		}
		if h.message != nil {
			h.event.Meta().SetEncoded(slices.Clone(payload)) // which middleware may keep
		} else if err := h.function.decode(payload, &h.event); err != nil {
			return err
		}
	}
	if h.message == nil {
		return h.function.handler(ctx, h.event.Value)
	}
	h.message.Reset(h.event.Meta(), &h.event, &h.event.Value)
	return h.function.chain(ctx, h.message)
}

func (h *typedHand[T]) forget() { h.event, h.single[0] = topic.Event[T]{}, nil }

// innermost is the end of the middleware chain: the handler, with the value decoded.
func (f *function[T]) innermost(ctx context.Context, m *bus.Message) error {
	e := m.Event().(*topic.Event[T])
	if err := m.Decode(); err != nil {
		return err
	}
	return f.handler(ctx, e.Value)
}

// decode sets the value of e.
func (f *function[T]) decode(payload [][]byte, e *topic.Event[T]) error {
	e.Value = *new(T)
	return f.decoder.Decode(e.Meta(), payload, &e.Value)
}

// same reports whether two codecs are the same one. Those that cannot be compared are not.
func same(a, b codec.Codec) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// WaitProducers waits until n producers can reach the worker: those of the task on the same bus, connected processes with Push endpoints, and if
// the worker is Default, plain PUSH peers. It is for the side that binds, which cannot know who will connect. When ctx ends first, the error is a
// [*bus.NotReadyError]; after the end of the bus it is [bus.ErrClosed].
func (w *Worker) WaitProducers(ctx context.Context, n int) error {
	d := w.core.depot
	h := d.hub
	return h.await(ctx, n, "producers", d.name, func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		have := 0
		for p := range h.sources {
			if !p.Peer().Plain || w.core.options.Default {
				have++
			}
		}
		d.lock()
		defer d.unlock()
		return have + d.queue.producers
	})
}

// Close ends the worker: it takes no more tasks, what waits for it goes to others, and what its handlers have begun is finished and
// acknowledged; tasks of plain peers that wait already are handled, since they cannot be given back. It is idempotent and does not wait
// for handlers that run, so they may call it; Done is closed after them. It returns nil.
func (w *Worker) Close() error {
	w.core.close()
	w.core.depot.hub.changed.Tell()
	return nil
}

// Done is closed when the worker has ended and its last handler has returned.
func (w *Worker) Done() <-chan struct{} { return w.core.done }
