package socket

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// Close ends the socket at once: what is queued is dropped and counted. It returns when all goroutines of the socket have ended. It may be
// called again, and during Shutdown, and always returns nil.
func (b *base) Close() error {
	_, first := b.refuse()
	b.aborted.Store(true)
	b.changes.Tell()
	b.seal()
	b.abortAll()
	if first {
		b.finish()
	}
	<-b.closed
	return nil
}

// Shutdown takes no more messages, waits until all that was sent has reached the peers, and closes the socket. Peers of this package then have
// answered a PING that followed the last message, or have closed the connection, a peer of PUB or XPUB after it had taken back all its
// subscriptions; for others everything is written, our side of the connection is closed, and they have closed theirs. Messages that wait for a
// peer wait for it until ctx ends. A socket that receives drops what it has not delivered. SUB and XSUB first take back their subscriptions,
// and wait until peers of this package have confirmed that.
//
// What could not be flushed when ctx ended, or because a connection was lost meanwhile, is in a [*FlushError]. The socket is closed in
// every case. On a socket that is closed, or being closed, and when Close interrupts it, it returns [ErrClosed].
func (b *base) Shutdown(ctx context.Context) error {
	there, first := b.refuse()
	if !first {
		return ErrClosed
	}
	return b.shutdown(ctx, there)
}

// shutdown is the rest of Shutdown. there are the connections that the socket had when it began to refuse: it reports those that have
// ended since, but for a balancer's, whose messages others get.
func (b *base) shutdown(ctx context.Context, there map[*conn]struct{}) error {
	if b.balancer != nil {
		b.balancer.flushed(ctx)
		clear(there)
	}
	b.seal()
	for _, c := range b.connections() {
		there[c] = struct{}{}
	}
	conns := slices.Collect(maps.Keys(there))
	results := make([]error, len(conns))
	var flushes sync.WaitGroup
	for i, c := range conns {
		flushes.Go(func() {
			results[i] = c.flush(ctx)
			if results[i] == nil {
				c.partFrom(ctx)
			}
		})
	}
	flushes.Wait()
	aborted := b.aborted.Load() // by Close, perhaps before conns was read
	var failed FlushError
	for i, err := range results {
		if err != nil {
			c := conns[i]
			failed.Peers = append(failed.Peers, Unflushed{Endpoint: c.text, Remote: c.wire.remote(), Queued: c.out.unwritten(), Err: err})
		}
	}
	b.abortAll()
	b.finish()
	left := b.unsent
	if b.balancer != nil { // what peers have left is a part of that
		for i := range failed.Peers {
			p := &failed.Peers[i]
			p.Queued = min(p.Queued, left)
			left -= p.Queued
		}
	}
	if left > 0 {
		failed.Peers = append(failed.Peers, Unflushed{Remote: "nobody yet", Queued: left, Err: cmp.Or(ctx.Err(), errNobody)})
	}
	switch {
	case len(failed.Peers) > 0:
		return &failed
	case aborted:
		return ErrClosed
	}
	return nil
}

// errNobody is why messages without a peer could not be flushed.
var errNobody = errors.New("socket: no peer was there to take them")

// refuse makes every call return ErrClosed. It returns the connections that were there, and whether it was the first.
func (b *base) refuse() (there map[*conn]struct{}, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first = b.refusing.CompareAndSwap(false, true)
	if first {
		close(b.refused)
		b.changes.Tell()
	}
	if first && b.inbox != nil {
		b.counters.dropped.Add(uint64(b.inbox.close()))
	}
	return maps.Clone(b.conns), first
}

// seal stops listening and dialling. No connection is added any more.
func (b *base) seal() {
	b.mu.Lock()
	first := b.sealed.CompareAndSwap(false, true)
	listeners := b.listeners
	b.mu.Unlock()
	if !first {
		return
	}
	b.cancel()
	for _, l := range listeners {
		l.end()
	}
}

func (b *base) abortAll() {
	for _, c := range b.connections() {
		c.abort(ErrClosed)
	}
}

func (b *base) finish() {
	b.abortAll()
	b.end()
	b.tasks.Wait()
	if b.balancer != nil {
		b.unsent = b.balancer.drop()
		b.counters.dropped.Add(uint64(b.unsent))
	}
	b.monitor.close()
	b.changes.Tell()
	close(b.closed)
}

// flush waits until the peer has everything, our farewell included. The connection goes on reading meanwhile: one that is closed with unread
// input is reset, and the peer loses what it had not yet read.
func (c *conn) flush(ctx context.Context) error {
	farewell, leaves := c.session.farewell()
	if _, sent, _ := c.out.counts(); sent == 0 && c.out.unwritten() == 0 && !leaves {
		return nil
	}
	if c.own {
		c.out.control(zmtp.AppendPing(farewell, c.base.opts.ttl(), []byte{contextFlush}), nil)
		err := c.await(ctx, c.flushed)
		if err != nil && c.over() && c.out.unwritten() == 0 && c.session.excuses(err) {
			return nil // everything was written, and then the peer left of its own accord
		}
		return err
	}
	err := c.bowOut(ctx)
	if c.over() && errors.Is(c.err, io.EOF) && (c.bowed.Load() || c.out.unwritten() == 0) {
		return nil // it left of its own accord, with everything written; also if another flush, that of Unbind, has come first
	}
	return err
}

// bowOut is flush for a peer of another package: it hangs up when we do, after everything was written.
func (c *conn) bowOut(ctx context.Context) error {
	written := make(chan struct{})
	c.out.control(nil, func() { close(written) })
	if err := c.await(ctx, written); err != nil {
		return err
	}
	c.bowed.Store(true) // first: then the peer may be gone at once
	if err := c.wire.closeWrite(); err != nil {
		return err
	}
	return c.await(ctx, nil)
}

// partFrom waits a little for a peer to hang up, after our side of the connection was closed: a peer that is writing would be reset, and
// lose what it was told last.
func (c *conn) partFrom(ctx context.Context) {
	if c.wire.closeWrite() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	_ = c.await(ctx, nil) // it is flushed: how it leaves is its own affair
}

// await waits for done, for the end of the connection, or for ctx.
func (c *conn) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ended:
	}
	select {
	case <-done: // both: it was done first
		return nil
	default:
		return c.err
	}
}

// over says whether the connection has ended.
func (c *conn) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// flushAnswered notes the answer to the PING of flush.
func (c *conn) flushAnswered() { c.flushOnce.Do(func() { close(c.flushed) }) }
