package socket

import (
	"context"

	"github.com/go-zeromq/zmq4"
)

// sender is how a pattern sends. Messages have at least one frame and are within the limits.
type sender interface {
	// send sends one message, and keeps its large frames if they are owned.
	send(ctx context.Context, frames [][]byte, own bool) error
	// sendBatch sends messages in order and returns how many.
	sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (int, error)
}

// Send sends a message, and waits where the pattern does. It copies the frames. What can be wrong with a message is a [*MessageError]; other
// errors are those of the socket type, [ErrClosed], and an [*UnsupportedError] where the socket does not send.
func (b *base) Send(msg zmq4.Msg) error {
	return b.sendOne(context.Background(), "Send", msg.Frames, false)
}

// SendMulti is the same as Send.
func (b *base) SendMulti(msg zmq4.Msg) error {
	return b.sendOne(context.Background(), "SendMulti", msg.Frames, false)
}

// SendContext is Send, or the error of ctx if it ends first.
func (b *base) SendContext(ctx context.Context, msg zmq4.Msg) error {
	return b.sendOne(ctx, "SendContext", msg.Frames, false)
}

// SendOwned is SendContext without a copy of frames of 16 KiB and more: they may never be changed again. Over inproc the receiver may get that
// very memory, and it belongs to him then: a frame is given away once.
func (b *base) SendOwned(ctx context.Context, msg zmq4.Msg) error {
	return b.sendOne(ctx, "SendOwned", msg.Frames, true)
}

// SendBatch is SendContext for many messages, at less cost for each. It returns how many were sent: all, or those before the one that the
// error is about.
func (b *base) SendBatch(ctx context.Context, msgs []zmq4.Msg) (n int, err error) {
	return b.sendMany(ctx, msgs, false)
}

func (b *base) sendBatchOwned(ctx context.Context, msgs []zmq4.Msg) (n int, err error) {
	return b.sendMany(ctx, msgs, true)
}

func (b *base) sendOne(ctx context.Context, op string, frames [][]byte, own bool) error {
	switch {
	case b.refusing.Load():
		return ErrClosed
	case b.sender == nil:
		return &UnsupportedError{Type: b.typ, Op: op}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.opts.check(frames); err != nil {
		return err
	}
	return b.sender.send(ctx, frames, own)
}

func (b *base) sendMany(ctx context.Context, msgs []zmq4.Msg, own bool) (n int, err error) {
	switch {
	case b.refusing.Load():
		return 0, ErrClosed
	case b.sender == nil:
		return 0, &UnsupportedError{Type: b.typ, Op: "SendBatch"}
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	good, bad := msgs, error(nil)
	for i, msg := range msgs {
		if bad = b.opts.check(msg.Frames); bad != nil {
			good = msgs[:i]
			break
		}
	}
	if n, err = b.sender.sendBatch(ctx, good, own); err != nil {
		return n, err
	}
	return n, bad
}

// each sends one after the other, for patterns that gain nothing from a batch.
func each(ctx context.Context, s sender, msgs []zmq4.Msg, own bool) (int, error) {
	for n, msg := range msgs {
		if err := s.send(ctx, msg.Frames, own); err != nil {
			return n, err
		}
	}
	return len(msgs), nil
}

// accepted returns ErrClosed when Shutdown has begun meanwhile: what was queued before that is flushed, what came after may not be.
func (b *base) accepted() error {
	if b.refusing.Load() {
		return ErrClosed
	}
	return nil
}
