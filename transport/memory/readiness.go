package memory

import "slices"

// Subscribe asks all peers, present and future, for what begins with prefix. They have been asked, and have sent what they keep, when it
// returns. The error is a [*LimitError] for a prefix of more than 255 bytes, or [ErrClosed].
func (t *Transport) Subscribe(prefix string) error {
	if len(prefix) > maxTopic {
		return &LimitError{Field: "length of prefix", Value: len(prefix), Limit: "255 bytes or less"}
	}
	return t.resubscribe(func() bool { return t.add(prefix) })
}

// Unsubscribe takes one Subscribe of prefix back; without one it does nothing. The error is [ErrClosed].
func (t *Transport) Unsubscribe(prefix string) error {
	return t.resubscribe(func() bool {
		rest, changed := t.inbox.subscribed.Load().remove(prefix)
		t.inbox.subscribed.Store(&rest)
		return changed
	})
}

// resubscribe calls change with the network's lock, and tells the peers if it reports one.
func (t *Transport) resubscribe(change func() bool) error {
	t.network.mu.Lock()
	if t.refusing.Load() {
		t.network.mu.Unlock()
		return ErrClosed
	}
	changed, peers := change(), slices.Clone(t.incoming)
	t.network.mu.Unlock()
	if changed {
		for _, l := range peers {
			l.from.changed.Tell()
		}
	}
	return nil
}

// Changed returns a channel that is closed at the next change of what Publishers, Subscribers or Servers tell, and when the transport ends.
func (t *Transport) Changed() <-chan struct{} { return t.changed.Next() }

// Pending returns nothing: subscriptions are in force at once.
func (t *Transport) Pending() []string { return nil }

// Publishers counts the other transports of the network.
func (t *Transport) Publishers() int { return len(t.links()) }

// Subscribers counts the other transports of the network that are subscribed to a prefix of topic.
func (t *Transport) Subscribers(topic string) (n int) {
	for _, l := range t.links() {
		if l.to.inbox.wants(topic) {
			n++
		}
	}
	return n
}
