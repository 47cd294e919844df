package socket

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// session is the pattern's side of one connection. messages, command and pong are called by the connection's reader, one at a time.
type session interface {
	// messages takes complete messages. It may keep them, not the slice. It may block: that is back-pressure.
	messages(batch [][][]byte)
	// command takes a command other than PING and PONG. name and rest are valid during the call.
	command(name, rest []byte)
	// pong takes the answer to a PING of the pattern.
	pong(context []byte)
	// detach is the last call, after reader and writer have ended.
	detach()
}

// lastWords is how long a connection that cannot be written to any more is still read.
const lastWords = time.Second

// conn is a connection after its handshake. Its reader runs in the goroutine that made it, its writer in one that the reader waits for.
type conn struct {
	base    *base
	link    *link // the dialled endpoint it belongs to, nil if accepted
	text    string
	nc      net.Conn
	peer    zmtp.Peer
	own     bool // the peer is of this package
	session session
	out     outQueue
	in      *inlet // nil for patterns that receive nothing
	vector  net.Buffers

	heard   atomic.Bool  // something came since the last beat
	pinging atomic.Bool  // a heartbeat PING waits to be written
	ttl     atomic.Int64 // as announced by the peer, nanoseconds
	silent  time.Duration
	junk    atomic.Uint64

	flushed   chan struct{} // closed when the peer answered the PING of Shutdown
	flushOnce sync.Once
	ended     chan struct{} // closed when reader and writer have ended
	err       error         // why it ended, set before ended is closed

	causeMu sync.Mutex
	cause   error // why we ended it, nil if we did not
}

func newConn(b *base, l *link, text string, nc net.Conn, peer zmtp.Peer) *conn {
	c := &conn{base: b, link: l, text: text, nc: nc, peer: peer, flushed: make(chan struct{}), ended: make(chan struct{})}
	_, c.own = peer.Metadata[strings.ToLower(ownProperty)]
	c.heard.Store(true)
	c.out.init(b.opts.SendHWM, &b.segments, &b.counters.dropped)
	switch {
	case b.inbox == nil:
	case l != nil:
		c.in = l.in
	default:
		c.in = newInlet()
	}
	return c
}

// run moves messages until the connection ends, and returns why.
func (c *conn) run() error {
	var writer sync.WaitGroup
	writer.Go(c.write)
	err := c.read()
	c.out.close()
	_ = c.nc.Close() // nothing is left to lose
	writer.Wait()
	c.causeMu.Lock()
	if c.cause != nil {
		err = c.cause
	}
	c.causeMu.Unlock()
	c.err = err
	return err
}

// abort ends the connection for a reason of ours. The reader notices.
func (c *conn) abort(cause error) {
	c.causeMu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.causeMu.Unlock()
	_ = c.nc.Close()
}

func (c *conn) read() error {
	decoder := zmtp.NewDecoder(c.base.limits)
	var batch [][][]byte
	for {
		n, readErr := c.nc.Read(decoder.Buffer())
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

// decode passes on all that is complete, in order: a PING that follows a subscription is answered when the subscription is in force.
func (c *conn) decode(decoder *zmtp.Decoder, batch [][][]byte) ([][][]byte, error) {
	for {
		u, ok, err := decoder.Next()
		if u.Message != nil {
			batch = append(batch, u.Message)
			continue
		}
		if len(batch) > 0 {
			c.session.messages(batch)
			clear(batch) // they must not live as long as the connection
			batch = batch[:0]
		}
		if err != nil || !ok {
			return batch, err
		}
		if err := c.command(u.Command); err != nil {
			return batch, err
		}
	}
}

func (c *conn) command(body []byte) error {
	name, rest, err := zmtp.ParseCommand(body)
	if err != nil {
		c.junk.Add(1) // libzmq ignores what it cannot read here, and so do we
		return nil
	}
	switch string(name) {
	case zmtp.NamePing:
		return c.ping(rest)
	case zmtp.NamePong:
		c.pong(rest)
	default:
		c.session.command(name, rest)
	}
	return nil
}

func (c *conn) write() {
	for {
		s := c.out.take()
		if s == nil {
			return
		}
		if err := c.writeSegment(s); err != nil {
			// Not the end of the connection yet: what the peer sent before it went is still to be read. One that only stopped
			// reading gets no more than lastWords for that.
			c.out.close()
			_ = c.nc.SetReadDeadline(time.Now().Add(lastWords)) // fails only where Read does as well
			return
		}
		c.out.done(s)
	}
}

func (c *conn) writeSegment(s *segment) error {
	if len(s.splices) == 0 {
		_, err := c.nc.Write(s.buf)
		return err
	}
	pieces, from := c.vector[:0], 0
	for _, l := range s.splices {
		pieces = append(pieces, s.buf[from:l.at], l.body)
		from = l.at
	}
	pieces = append(pieces, s.buf[from:])
	c.vector = pieces
	rest := pieces
	_, err := rest.WriteTo(c.nc)
	clear(pieces)
	return err
}

// snapshot describes the connection.
func (c *conn) snapshot() Peer {
	p := Peer{
		Endpoint: c.text, Remote: c.remote(), Own: c.own, Junk: c.junk.Load(),
		Type: c.peer.Type, Identity: c.peer.Identity, Metadata: c.peer.Metadata,
	}
	p.Queued, p.Sent, p.Dropped = c.out.counts()
	if c.in != nil {
		queued, taken, _ := c.base.inbox.state(c.in)
		p.Queued += queued
		p.Received = taken + uint64(queued)
	}
	return p
}

// remote is the address of the other side; a Unix socket that dialled has none.
func (c *conn) remote() string { return remoteOf(c.nc) }

func remoteOf(nc net.Conn) string {
	if a := nc.RemoteAddr(); a != nil && a.String() != "" && a.String() != "@" {
		return a.Network() + "://" + a.String()
	}
	return "local"
}
