package socket

import (
	"context"
	"errors"
	"slices"
)

// errUnknownEndpoint is the cause of an [*EndpointError] of Unbind and Disconnect.
var errUnknownEndpoint = errors.New("the socket has no such endpoint")

// Unbind ends a Listen: the endpoint is closed, and so are the connections that it has accepted, after what is queued for them is written in
// the background. endpoint is as given to Listen, or as in Bound. The error is an [*EndpointError] or [ErrClosed].
func (b *base) Unbind(endpoint string) error {
	b.mu.Lock()
	i := slices.IndexFunc(b.listeners, func(l *listener) bool { return l.bound == endpoint || l.endpoint.text == endpoint })
	if err := b.may(i); err != nil {
		b.mu.Unlock()
		return b.noSuch(endpoint, "unbind", err)
	}
	l := b.listeners[i]
	l.ended = true
	b.listeners = slices.Delete(slices.Clone(b.listeners), i, i+1)
	b.dismiss(func(c *conn) bool { return c.listener == l })
	b.mu.Unlock()
	l.end()
	b.changes.Tell()
	return nil
}

// Disconnect ends a Dial: the endpoint is not dialled any more, and its connection is closed after what is queued for it is written in the
// background. endpoint is as given to Dial; of several the oldest ends. The error is an [*EndpointError] or [ErrClosed].
func (b *base) Disconnect(endpoint string) error {
	b.mu.Lock()
	i := slices.IndexFunc(b.links, func(l *link) bool { return l.endpoint.text == endpoint })
	if err := b.may(i); err != nil {
		b.mu.Unlock()
		return b.noSuch(endpoint, "disconnect", err)
	}
	l := b.links[i]
	l.ended = true
	b.links = slices.Delete(slices.Clone(b.links), i, i+1)
	b.dismiss(func(c *conn) bool { return c.link == l })
	b.mu.Unlock()
	l.cancel()
	b.changes.Tell()
	return nil
}

func (b *base) may(i int) error {
	switch {
	case b.refusing.Load():
		return ErrClosed
	case i < 0:
		return errUnknownEndpoint
	}
	return nil
}

func (b *base) noSuch(endpoint, op string, err error) error {
	if errors.Is(err, ErrClosed) {
		return err
	}
	return &EndpointError{Endpoint: endpoint, Op: op, Err: err}
}

// dismiss flushes and ends connections, in the background. They get no more messages. The caller holds base.mu.
func (b *base) dismiss(which func(c *conn) bool) {
	for c := range b.conns {
		if !which(c) {
			continue
		}
		c.out.seal()
		b.tasks.Go(func() {
			ctx, cancel := context.WithTimeout(b.life, b.opts.HandshakeTimeout)
			defer cancel()
			if c.flush(ctx) == nil { // if not, what is left is dropped and counted, or goes to others
				c.partFrom(ctx)
			}
			c.abort(ErrClosed)
		})
	}
}
