package zmq

// Subscribe asks all peers, present and future, for what begins with prefix. The error is a [*LimitError] for a prefix of more than
// 255 bytes, or [ErrClosed].
func (t *Transport) Subscribe(prefix string) error {
	switch {
	case t.refusing.Load():
		return ErrClosed
	case len(prefix) > maxTopic:
		return &LimitError{Field: "length of prefix", Value: len(prefix), Limit: "255 bytes or less"}
	}
	return public(t.sub.Subscribe(prefix))
}

// Unsubscribe takes one Subscribe of prefix back; without one it does nothing. The error is [ErrClosed].
func (t *Transport) Unsubscribe(prefix string) error {
	if t.refusing.Load() {
		return ErrClosed
	}
	return public(t.sub.Unsubscribe(prefix))
}

// Changed returns a channel that is closed at the next change of what Pending, Publishers or Subscribers tell, and when the
// transport ends.
func (t *Transport) Changed() <-chan struct{} { return t.changed.Next() }

// Pending lists the dialled endpoints of Options.Subscribe that have no connection, and the peers that have not confirmed the
// subscriptions. Plain peers confirm nothing: for them it counts that the subscriptions were written. It is nil after the end.
func (t *Transport) Pending() []string {
	if t.refusing.Load() {
		return nil
	}
	return t.sub.Pending()
}

// Publishers counts the connected PUB and XPUB peers that have every subscription made so far.
func (t *Transport) Publishers() int { return t.sub.Publishers() }

// Subscribers counts the connected SUB and XSUB peers that are subscribed to a prefix of topic.
func (t *Transport) Subscribers(topic string) int { return t.pub.Subscribers([]byte(topic)) }
