package middleware

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
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
		h := &handled{ttl: options.TTL, running: map[string]*handling{}}
		// Not its package expirable, which starts a goroutine that nobody can stop. The error is that of a size below 1.
		h.until, _ = simplelru.NewLRU[string, time.Time](options.Size, nil)
		return func(ctx context.Context, m *bus.Message) error {
			key := options.Key(m)
			if key == "" {
				return next(ctx, m)
			}
			return h.once(ctx, key, m, next)
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
	if o.Key == nil {
		o.Key = (*bus.Message).ID
	}
	return nil
}

// handled are the events of one chain.
type handled struct {
	ttl time.Duration

	mu      sync.Mutex
	until   *simplelru.LRU[string, time.Time] // when handled ones are forgotten
	running map[string]*handling              // apart, as these must not be forgotten
}

// handling is an event that is being handled. It is the key of itself in the context of the handler.
type handling struct {
	done chan struct{} // nil until somebody waits for it
}

// once calls next, unless an event with the key was handled, or is being handled and does not fail.
func (h *handled) once(ctx context.Context, key string, m *bus.Message, next bus.Handler) (err error) {
	own := &handling{}
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
			return fmt.Errorf("middleware: waiting for the event that is being handled with the key %q: %w", key, ctx.Err())
		}
	}
	succeeded := false
	defer func() { h.end(key, own, succeeded) }()
	err = next(context.WithValue(ctx, own, true), m)
	succeeded = err == nil || delivered(m, err)
	return err
}

// begin makes own the handling of the key if there is none. The error is that of a duplicate, and the channel tells when to try again.
func (h *handled) begin(ctx context.Context, key string, own *handling) (<-chan struct{}, error) {
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
func (h *handled) end(key string, own *handling, succeeded bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.running, key)
	if succeeded {
		h.until.Add(strings.Clone(key), time.Now().Add(h.ttl)) // the key may be a part of all headers of its event
	}
	if own.done != nil {
		close(own.done)
	}
}

// delivered reports whether a publish has delivered its event though it returned err.
func delivered(m *bus.Message, err error) bool {
	return m.Party().Role.Sends() && deliveredTo(m.Topic(), err)
}
