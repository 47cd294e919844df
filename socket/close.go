package socket

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// Close ends the socket at once: what is queued is dropped and counted. It returns when all goroutines of the socket have ended. It may be
// called again, and during Shutdown, and always returns nil.
func (b *base) Close() error {
	if b.refuse() {
		b.finish()
	}
	b.aborted.Store(true)
	b.abortAll()
	<-b.closed
	return nil
}

// Shutdown takes no more messages and connections, waits until all that was sent has reached the peers, and closes the socket. Peers of this
// package then have answered a PING that followed the last message, or have closed the connection; for others everything is written, our side
// of the connection is closed, and they have closed theirs. A socket that receives drops what it has not delivered.
//
// What could not be flushed when ctx ended, or because a connection was lost meanwhile, is in a [*FlushError]. The socket is closed in
// every case. On a socket that is closed, or being closed, and when Close interrupts it, it returns [ErrClosed].
func (b *base) Shutdown(ctx context.Context) error {
	if !b.refuse() {
		return ErrClosed
	}
	conns := b.connections()
	dropped := make([]uint64, len(conns))
	for i, c := range conns {
		_, _, dropped[i] = c.out.counts()
	}
	results := make([]error, len(conns))
	var flushes sync.WaitGroup
	for i, c := range conns {
		flushes.Go(func() { results[i] = c.flush(ctx) })
	}
	flushes.Wait()
	aborted := b.aborted.Load() // by Close, perhaps before conns was read
	var failed FlushError
	for i, err := range results {
		if err != nil {
			c := conns[i]
			queued, _, now := c.out.counts() // the end of a connection turns what was queued into dropped
			failed.Peers = append(failed.Peers, Unflushed{Endpoint: c.text, Remote: c.remote(), Queued: queued + int(now-dropped[i]), Err: err})
		}
	}
	b.abortAll()
	b.finish()
	switch {
	case len(failed.Peers) > 0:
		return &failed
	case aborted:
		return ErrClosed
	}
	return nil
}

// refuse makes every call return ErrClosed, stops listening and dialling, and ends the inbox. It returns whether it was the first.
func (b *base) refuse() bool {
	b.mu.Lock()
	first := b.refusing.CompareAndSwap(false, true)
	listeners := b.listeners
	b.mu.Unlock()
	if !first {
		return false
	}
	b.cancel()
	for _, l := range listeners {
		_ = l.nl.Close() // its accept loop ends
	}
	if b.inbox != nil {
		b.counters.dropped.Add(uint64(b.inbox.close()))
	}
	return true
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
	b.monitor.close()
	b.changes.Tell()
	close(b.closed)
}

// flush waits until the peer has everything. The connection goes on reading meanwhile: one that is closed with unread input is reset,
// and the peer loses what it had not yet read.
func (c *conn) flush(ctx context.Context) error {
	queued, sent, before := c.out.counts()
	if queued == 0 && sent == 0 {
		return nil
	}
	if c.own {
		c.out.control(zmtp.AppendPing(nil, c.base.opts.ttl(), []byte{contextFlush}), nil)
		err := c.await(ctx, c.flushed)
		if _, _, dropped := c.out.counts(); dropped == before && errors.Is(err, io.EOF) {
			return nil // everything was written, and then the peer left of its own accord, as plain peers do
		}
		return err
	}
	written := make(chan struct{})
	c.out.control(nil, func() { close(written) })
	if err := c.await(ctx, written); err != nil {
		return err
	}
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	if err := c.await(ctx, nil); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
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

// flushAnswered notes the answer to the PING of flush.
func (c *conn) flushAnswered() { c.flushOnce.Do(func() { close(c.flushed) }) }
