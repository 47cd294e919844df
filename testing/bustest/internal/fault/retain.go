package fault

import (
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// retaining is a transport.Retainer with faults.
type retaining struct {
	of       *wrapped
	retainer transport.Retainer

	mu   sync.Mutex
	held []retained // published while it was cut off, each the last one of its topic and key
}

// retained is an event that is to be kept for late joiners.
type retained struct {
	message transport.Message
	key     string
	limit   int
}

// PublishRetained keeps m until the end of a partition: peers that connect again get what is kept.
func (r *retaining) PublishRetained(m *transport.Message, key string, limit int) error {
	t := r.of
	if !t.over() && r.hold(m, key, limit) {
		t.loses(m)
		return nil
	}
	return r.publish(m, key, limit)
}

// publish publishes m, and has it kept.
func (r *retaining) publish(m *transport.Message, key string, limit int) error {
	return r.of.faults.publish(r.of, m, func() error { return r.retainer.PublishRetained(m, key, limit) })
}

// hold keeps m if the transport is cut off.
func (r *retaining) hold(m *transport.Message, key string, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.of.cut.Load() {
		return false
	}
	r.held = slices.DeleteFunc(r.held, func(old retained) bool { return old.key == key && old.message.Topic == m.Topic })
	r.held = append(r.held, retained{copied(m), key, limit})
	return true
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
