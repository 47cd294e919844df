package middleware

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// DeduplicateOptions are how a [Deduplicate] works.
type DeduplicateOptions struct {
	// Key returns what events are told apart by; "" is an event that is no duplicate of any other. It may be called concurrently. Default:
	// the event's ID, [bus.Message.ID].
	Key func(m *bus.Message) string
	// Size is how many keys are remembered, at most, 1 to 16,777,216; one takes about 200 bytes. Then the one that came least recently
	// is forgotten. Default: 65,536.
	Size int
	// TTL is how long a key is remembered after its event was handled, more than 0. Default: 10 minutes.
	TTL time.Duration
}

// Deduplicate drops the events that were handled before: they count as filtered. It makes handlers that are not idempotent fit for events
// that come more than once, as those of pipelines, bridges and publishers that try again do.
//
// An event counts as handled when what is inside has returned no error. A duplicate that comes while the first one is still being handled waits
// for that, or until its context ends. If the first one fails, panics, ends its goroutine, or is filtered, the duplicate is handled itself, so
// nothing is lost. A duplicate that comes from inside the handling, as the contexts tell, does not wait: it is dropped. So a handler must
// not wait for another that may get a duplicate of its own event with a context that is not derived from its own.
//
// Each chain remembers its own events: every subscription gets each event once. On the publish side events have an ID only where
// publisher.ID sets one, and Publish returns an error that is [bus.ErrFiltered] for a duplicate. nil options mean the defaults.
func Deduplicate(o *DeduplicateOptions) bus.Middleware {
	var options DeduplicateOptions
	if o != nil {
		options = *o
	}
	made := bus.Middleware{Name: "deduplicate", Phase: bus.PhaseAdmit}
	if made.Err = options.complete(); made.Err != nil {
		return made
	}
	made.Wrap = func(next bus.Handler) bus.Handler {
		h := &handled{ttl: options.TTL, running: map[identity]*handling{}}
		// Not its package expirable, which starts a goroutine that nobody can stop. The error is that of a size below 1.
		h.until, _ = simplelru.NewLRU[identity, time.Time](options.Size, nil)
		return func(ctx context.Context, m *bus.Message) error {
			id, ok := options.identity(m)
			if !ok {
				return next(ctx, m)
			}
			return h.once(ctx, id, m, next)
		}
	}
	return made
}

// complete fills the defaults in.
func (o *DeduplicateOptions) complete() error {
	switch {
	case o.Size < 0 || o.Size > 1<<24:
		return &bus.OptionError{Field: "middleware.DeduplicateOptions.Size", Value: o.Size, Limit: "1 to 16777216, or 0 for 65536"}
	case o.TTL < 0:
		return &bus.OptionError{Field: "middleware.DeduplicateOptions.TTL", Value: o.TTL, Limit: "more than 0, or 0 for 10m"}
	}
	if o.Size == 0 {
		o.Size = 65536
	}
	if o.TTL == 0 {
		o.TTL = 10 * time.Minute
	}
	return nil
}

// identity returns what the event is told apart by. It reports false if it is no duplicate of any other.
func (o *DeduplicateOptions) identity(m *bus.Message) (identity, bool) {
	if o.Key != nil {
		key := o.Key(m)
		return identity{text: key}, key != ""
	}
	if id, given := m.Meta().Property(envelope.IDProperty); given {
		return identityOf(id), id != ""
	}
	id, ok := m.Meta().DerivedID()
	return identity{derived: id}, ok
}

// identity is a key or an ID. An ID that could be a derived one is in binary, however the event has got it: the ID of an event that was forwarded
// is a property, and text.
type identity struct {
	derived uuid.UUID
	text    string // "": derived is it
}

func identityOf(id string) identity {
	if len(id) == 36 && strings.ToLower(id) == id {
		if derived, err := uuid.Parse(id); err == nil {
			return identity{derived: derived}
		}
	}
	return identity{text: id}
}

// String returns it as text.
func (i identity) String() string {
	if i.text == "" {
		return i.derived.String()
	}
	return i.text
}

// handled are the events of one chain.
type handled struct {
	ttl time.Duration

	mu      sync.Mutex
	until   *simplelru.LRU[identity, time.Time] // when handled ones are forgotten
	running map[identity]*handling              // apart, as these must not be forgotten
}

// handling is an event that is being handled: the context of the handler, and the key of itself in there.
type handling struct {
	context.Context
	done chan struct{} // nil until somebody waits for it
}

// Value returns itself, and else the value of the given context.
func (h *handling) Value(key any) any {
	if key == any(h) {
		return h
	}
	return h.Context.Value(key)
}

// once calls next, unless an event with the key was handled, or is being handled and does not fail.
func (h *handled) once(ctx context.Context, key identity, m *bus.Message, next bus.Handler) (err error) {
	own := &handling{Context: ctx}
	for {
		done, err := h.begin(ctx, key, own)
		if err != nil {
			return err
		}
		if done == nil {
			break
		}
		select {
		case <-done:
		case <-ctx.Done():
			return fmt.Errorf("middleware: waiting for the event that is being handled with the key %q: %w", key.String(), ctx.Err())
		}
	}
	succeeded := false
	defer func() { h.end(key, own, succeeded) }()
	err = next(own, m)
	succeeded = err == nil || delivered(m, err)
	return err
}

// begin makes own the handling of the key if there is none. The error is that of a duplicate, and the channel tells when to try again.
func (h *handled) begin(ctx context.Context, key identity, own *handling) (<-chan struct{}, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until, known := h.until.Get(key); known {
		if time.Now().Before(until) {
			return nil, bus.ErrFiltered
		}
		h.until.Remove(key)
	}
	other := h.running[key]
	if other == nil {
		h.running[key] = own
		return nil, nil
	}
	if ctx.Value(other) != nil { // it waits for this call
		return nil, bus.ErrFiltered
	}
	if other.done == nil {
		other.done = make(chan struct{})
	}
	return other.done, nil
}

// end notes how the handling has ended, and wakes those who wait for it.
func (h *handled) end(key identity, own *handling, succeeded bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.running, key)
	if succeeded {
		key.text = strings.Clone(key.text) // it may be a part of all headers of its event
		h.until.Add(key, time.Now().Add(h.ttl))
	}
	if own.done != nil {
		close(own.done)
	}
}
