package socket

import (
	"context"

	"github.com/go-zeromq/zmq4"
)

// Socket is what every socket of this package can do. All methods may be called by many goroutines at once. After Close, and once Shutdown has
// begun, they return [ErrClosed]; what a socket type cannot do is an [*UnsupportedError].
type Socket interface {
	zmq4.Socket

	// SendContext sends a message as Send does, and gives up when ctx ends. The frames may be reused at once.
	SendContext(ctx context.Context, msg zmq4.Msg) error
	// SendOwned sends a message without copying large frames: they may never be changed again.
	SendOwned(ctx context.Context, msg zmq4.Msg) error
	// SendBatch sends messages in order and returns how many it sent: all, or those before the one that the error is about.
	SendBatch(ctx context.Context, msgs []zmq4.Msg) (n int, err error)
	// RecvContext returns the next message. It belongs to the caller.
	RecvContext(ctx context.Context) (zmq4.Msg, error)
	// RecvBatch waits for at least one message and takes as many as there are and buf has room for. buf must not be empty.
	RecvBatch(ctx context.Context, buf []zmq4.Msg) (n int, err error)
	// RecvInto is RecvBatch without garbage: the messages are lent, until the next RecvInto with the same batch.
	RecvInto(ctx context.Context, batch *Batch) ([]zmq4.Msg, error)

	// Unbind ends a Listen, and the connections that it has accepted.
	Unbind(endpoint string) error
	// Disconnect ends a Dial, and its connection.
	Disconnect(endpoint string) error
	// Bound returns the endpoints listened on, with the ports that were chosen.
	Bound() []string
	// Events returns the channel of events.
	Events() <-chan Event
	// Changed returns a channel that is closed at the next change of peers or subscriptions.
	Changed() <-chan struct{}
	// Peers describes the connected peers.
	Peers() []Peer
	// Stats returns the counters.
	Stats() Stats
	// Shutdown flushes what was sent and closes the socket.
	Shutdown(ctx context.Context) error
}

var (
	_ Socket = (*Pub)(nil)
	_ Socket = (*Sub)(nil)
	_ Socket = (*XPub)(nil)
	_ Socket = (*XSub)(nil)
	_ Socket = (*Push)(nil)
	_ Socket = (*Pull)(nil)
	_ Socket = (*Req)(nil)
	_ Socket = (*Rep)(nil)
	_ Socket = (*Dealer)(nil)
	_ Socket = (*Router)(nil)
	_ Socket = (*Pair)(nil)
)
