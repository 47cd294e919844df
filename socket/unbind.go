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
	return b.leave("unbind", endpoint, func() (of func(c *conn) bool, end func()) {
		i := slices.IndexFunc(b.listeners, func(l *listener) bool { return l.bound == endpoint || l.endpoint.text == endpoint })
		if i < 0 {
			return nil, nil
		}
		l := b.listeners[i]
		l.ended = true
		b.listeners = slices.Delete(slices.Clone(b.listeners), i, i+1)
		return func(c *conn) bool { return c.listener == l }, l.end
	})
}

// Disconnect ends a Dial: the endpoint is not dialled any more, and its connection is closed after what is queued for it is written in the
// background. endpoint is as given to Dial; of several the oldest ends. The error is an [*EndpointError] or [ErrClosed].
func (b *base) Disconnect(endpoint string) error {
	return b.leave("disconnect", endpoint, func() (of func(c *conn) bool, end func()) {
		i := slices.IndexFunc(b.links, func(l *link) bool { return l.endpoint.text == endpoint })
		if i < 0 {
			return nil, nil
		}
		l := b.links[i]
		l.ended = true
		b.links = slices.Delete(slices.Clone(b.links), i, i+1)
		return func(c *conn) bool { return c.link == l }, l.cancel
	})
}

// leave ends an endpoint. take removes it, under base.mu, and returns which connections are its own and what ends it; nil if there is none.
func (b *base) leave(op, endpoint string, take func() (of func(c *conn) bool, end func())) error {
	b.mu.Lock()
	if b.refusing.Load() {
		b.mu.Unlock()
		return ErrClosed
	}
	of, end := take()
	if of == nil {
		b.mu.Unlock()
		return &EndpointError{Endpoint: endpoint, Op: op, Err: errUnknownEndpoint}
	}
	b.dismiss(of)
	b.mu.Unlock()
	end()
	b.changes.Tell()
	return nil
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
