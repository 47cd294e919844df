package socket

import (
	"context"

	"github.com/go-zeromq/zmq4"
)

// receiver is how a pattern receives.
type receiver interface {
	receive(ctx context.Context) (zmq4.Msg, error)
	// receiveBatch may lend the messages to a batch; with nil they are the caller's.
	receiveBatch(ctx context.Context, buf []zmq4.Msg, to *Batch) (int, error)
}

// Recv waits for the next message, which belongs to the caller. The loss of a peer is no error, but for REQ: see [ErrPeerLost]. Errors are
// [ErrClosed], a [*StateError] of REQ and REP, and an [*UnsupportedError] where the socket does not receive.
func (b *base) Recv() (zmq4.Msg, error) { return b.recvOne(context.Background(), "Recv") }

// RecvContext is Recv, or the error of ctx when it ends first.
func (b *base) RecvContext(ctx context.Context) (zmq4.Msg, error) {
	return b.recvOne(ctx, "RecvContext")
}

// RecvBatch waits for at least one message and takes as many as there are and buf has room for, in turns over the peers.
// The messages belong to the caller. An empty buf gets 0. REQ and REP have one message at a time.
func (b *base) RecvBatch(ctx context.Context, buf []zmq4.Msg) (n int, err error) {
	return b.recvMany(ctx, "RecvBatch", buf, nil)
}

func (b *base) recvMany(ctx context.Context, op string, buf []zmq4.Msg, to *Batch) (n int, err error) {
	switch {
	case b.refusing.Load():
		return 0, ErrClosed
	case b.receiver == nil:
		return 0, &UnsupportedError{Type: b.typ, Op: op}
	case len(buf) == 0:
		return 0, ctx.Err()
	}
	return b.receiver.receiveBatch(ctx, buf, to)
}

func (b *base) recvOne(ctx context.Context, op string) (zmq4.Msg, error) {
	switch {
	case b.refusing.Load():
		return zmq4.Msg{}, ErrClosed
	case b.receiver == nil:
		return zmq4.Msg{}, &UnsupportedError{Type: b.typ, Op: op}
	}
	return b.receiver.receive(ctx)
}

func (b *inbox) receive(ctx context.Context) (zmq4.Msg, error) {
	var buf [1]zmq4.Msg
	_, err := b.take(ctx, buf[:], nil)
	return buf[0], err
}

func (b *inbox) receiveBatch(ctx context.Context, buf []zmq4.Msg, to *Batch) (int, error) {
	return b.take(ctx, buf, to)
}

// one is receiveBatch for patterns with one message at a time.
func one(ctx context.Context, r receiver, buf []zmq4.Msg) (int, error) {
	m, err := r.receive(ctx)
	if err != nil {
		return 0, err
	}
	buf[0] = m
	return 1, nil
}
