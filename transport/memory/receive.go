package memory

import (
	"context"

	"github.com/fanfare-go/fanfare/transport"
)

// Receive waits until there is at least one message, and fills into with what is there, in turns over the peers. The error is that of ctx,
// also when there are messages, or [ErrClosed].
func (t *Transport) Receive(ctx context.Context, into []transport.Message) (n int, err error) {
	for {
		switch {
		case t.refusing.Load():
			return 0, ErrClosed
		case ctx.Err() != nil:
			return 0, ctx.Err()
		}
		if n = t.inbox.take(into); n > 0 || len(into) == 0 {
			t.counts.received.Add(uint64(n))
			return n, nil
		}
		select {
		case <-t.inbox.arrived:
		case <-t.leaving:
		case <-ctx.Done():
		}
	}
}
