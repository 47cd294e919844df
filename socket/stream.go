package socket

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// lastWords is how long a connection that cannot be written to any more is still read.
const lastWords = time.Second

// stream is a wire over tcp or ipc. Its reader runs in the goroutine that made the connection, its writer in one that the reader waits for.
type stream struct {
	nc     net.Conn
	vector net.Buffers
}

func (w *stream) handshake(ctx context.Context, o zmtp.Options) (zmtp.Peer, error) {
	return zmtp.Handshake(ctx, w.nc, o)
}

func (w *stream) join(c *conn) {
	if c.base.lockstep {
		c.out.direct = newDirect(w.nc)
	}
}

func (*stream) stream() bool     { return true }
func (w *stream) close()         { _ = w.nc.Close() } // the reader notices
func (w *stream) remote() string { return remoteOf(w.nc) }

func (w *stream) closeWrite() error {
	if half, ok := w.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (w *stream) run(c *conn) error {
	var writer sync.WaitGroup
	writer.Go(func() { w.write(c) })
	err := w.read(c)
	c.out.close()
	_ = w.nc.Close() // nothing is left to lose
	writer.Wait()
	return err
}

func (w *stream) read(c *conn) error {
	decoder := c.decoder()
	var batch [][][]byte
	for {
		n, readErr := w.nc.Read(decoder.Buffer())
		if n > 0 {
			c.heard.Store(true)
			decoder.Advance(n)
			var err error
			if batch, err = c.decode(decoder, batch); err != nil {
				return err
			}
		}
		if readErr != nil {
			return readErr
		}
	}
}

func (w *stream) write(c *conn) {
	for {
		s := c.out.take()
		if s == nil {
			return
		}
		if n, err := w.writeSegment(s, c.out.wrote); err != nil {
			// Not the end of the connection yet: what the peer sent before it went is still to be read. One that only stopped
			// reading gets no more than lastWords for that.
			c.out.failed(n)
			if c.out.onFailed != nil {
				c.out.onFailed()
			}
			_ = w.nc.SetReadDeadline(time.Now().Add(lastWords)) // fails only where Read does as well
			return
		}
		c.out.done(s)
	}
}

// writeSegment writes a segment of which done bytes are written already; of one with splices none are.
func (w *stream) writeSegment(s *segment, done int) (int, error) {
	if len(s.splices) == 0 {
		return w.nc.Write(s.buf[done:])
	}
	pieces, from := w.vector[:0], 0
	for _, l := range s.splices {
		pieces = append(pieces, s.buf[from:l.at], l.body)
		from = l.at
	}
	pieces = append(pieces, s.buf[from:])
	w.vector = pieces
	rest := pieces
	n, err := rest.WriteTo(w.nc)
	clear(pieces)
	return int(n), err
}

func remoteOf(nc net.Conn) string {
	if a := nc.RemoteAddr(); a != nil && a.String() != "" && a.String() != "@" {
		return a.Network() + "://" + a.String()
	}
	return "local"
}
