package memory

import "github.com/fanfare-go/fanfare/transport"

// Publish hands a copy of m to every peer that subscribed to a prefix of its topic. It leaves out the envelope if m.Plain asks for that.
// The error is a [*LimitError] for a topic of more than 255 bytes, no part of a payload or more than 1022, or a message of more than 64
// MiB, or [ErrClosed].
func (t *Transport) Publish(m *transport.Message) error {
	if err := t.check(m); err != nil {
		return err
	}
	t.publish(m)
	return nil
}

// publish hands m to those who want it.
func (t *Transport) publish(m *transport.Message) {
	for _, l := range t.links() {
		if l.to.inbox.wants(m.Topic) {
			l.put(event(m))
		}
	}
}
