package socket

import (
	"context"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// wire carries one connection: a stream of bytes, or memory shared with another socket of this process.
type wire interface {
	// handshake makes the other side a peer.
	handshake(ctx context.Context, o zmtp.Options) (zmtp.Peer, error)
	// join connects the wire to its connection, right after the handshake. From here on nothing that is queued is lost by closing.
	join(c *conn)
	// run moves messages until the connection ends, and returns why. Reader and writer have ended then, and so has the queue.
	run(c *conn) error
	// closeWrite tells the peer that nothing more comes, after everything was written.
	closeWrite() error
	// close ends the wire. It may be called by anybody, and again.
	close()
	// remote is the address of the other side.
	remote() string
	// stream says whether there are bytes on the way: then the peer may fall silent.
	stream() bool
}
