package fault

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

// retaining is a transport.Retainer with faults.
type retaining struct {
	of       *wrapped
	retainer transport.Retainer

	mu   sync.Mutex
	held []retained // published while it was cut off, each the last one of its topic and key

	evicted atomic.Uint64 // of held, since there were too many keys
}

// retained is an event that is to be kept for late joiners.
type retained struct {
	message transport.Message
	key     string
	limit   int
}

// PublishRetained keeps m until the end of a partition: peers that connect again get what is kept.
func (r *retaining) PublishRetained(m *transport.Message, key string, limit int) error {
	if r.hold(m, key, limit) {
		return nil
	}
	return r.publish(m, key, limit)
}

// publish publishes m, and has it kept.
func (r *retaining) publish(m *transport.Message, key string, limit int) error {
	return r.of.faults.publish(r.of, m, func() error { return r.retainer.PublishRetained(m, key, limit) })
}

// hold keeps m if the transport is cut off. What it takes the place of is lost, and so is what goes because its topic has more keys than limit.
func (r *retaining) hold(m *transport.Message, key string, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.of.cut.Load() || r.of.over() {
		return false
	}
	others := 0 // of the topic
	for i := len(r.held) - 1; i >= 0; i-- {
		old := &r.held[i]
		if old.message.Topic != m.Topic {
			continue
		}
		if old.key != key {
			if others++; others < limit {
				continue
			}
			r.evicted.Add(1)
		}
		r.of.loses(&old.message)
		r.held = slices.Delete(r.held, i, i+1)
	}
	r.held = append(r.held, retained{copied(m), key, limit})
	return true
}

// loseHeld loses what is held when the transport ends in a partition.
func (r *retaining) loseHeld() {
	r.mu.Lock()
	held := r.held
	r.held = nil
	r.mu.Unlock()
	for i := range held {
		r.of.loses(&held[i].message)
	}
}

// publishHeld publishes what was held, and ends the partition when there is nothing more: so it comes before all that is published later.
// It reports false if there was none.
func (r *retaining) publishHeld() bool {
	for {
		r.mu.Lock()
		held := r.held
		r.held = nil
		if len(held) == 0 {
			ended := r.of.setCut(false)
			r.mu.Unlock()
			return ended
		}
		r.mu.Unlock()
		for i := range held {
			h := &held[i]
			_ = r.publish(&h.message, h.key, h.limit) // an error is that of one that has ended, or of an event that nobody could send
		}
	}
}
