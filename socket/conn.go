package socket

import (
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// session is the pattern's side of one connection. messages, command and pong are called by the connection's reader, one at a time.
type session interface {
	// messages takes complete messages, and the pages they are in. It may keep them for good, not the slices, or give back all the pages
	// when none of them is used any more. It may block: that is back-pressure.
	messages(batch [][][]byte, pages []*zmtp.Page)
	// command takes a command other than PING and PONG. name and rest are valid during the call.
	command(name, rest []byte)
	// pong takes the answer to a PING of the pattern.
	pong(context []byte)
	// farewell returns what the peer, one of this package, is told before we leave it, and whether its confirmation of that is awaited
	// though no message was sent. It may be called again.
	farewell() (frames []byte, awaited bool)
	// excuses says whether the peer, one of this package, owes no confirmation of what was written when the connection has ended for that reason.
	excuses(err error) bool
	// detach is the last call, after reader and writer have ended.
	detach()
}

// conn is a connection after its handshake.
type conn struct {
	base     *base
	link     *link     // the dialled endpoint it belongs to, nil if accepted
	listener *listener // the one that accepted it, nil if dialled
	text     string
	wire     wire
	peer     zmtp.Peer
	own      bool // the peer is of this package
	session  session
	out      outQueue
	in       *inlet       // nil for patterns that receive nothing
	leased   []*zmtp.Page // of decode
	prefix   []byte       // begins every message received, nil for none: the routing ID

	heard   atomic.Bool  // something came since the last beat
	pinging atomic.Bool  // a heartbeat PING waits to be written
	ttl     atomic.Int64 // as announced by the peer, nanoseconds
	held    atomic.Bool  // the owner of a Custom socket lets the reader wait
	silent  time.Duration
	junk    atomic.Uint64

	flushed   chan struct{} // closed when the peer answered the PING of Shutdown
	flushOnce sync.Once
	bowed     atomic.Bool   // everything is written to a peer of another package, and our side is being closed
	left      chan struct{} // closed when the reader has ended
	ended     chan struct{} // closed when all is done
	err       error         // why it ended, set before ended is closed

	causeMu sync.Mutex
	cause   error // why we ended it, nil if we did not
}

func newConn(o origin, w wire, peer zmtp.Peer) *conn {
	b := o.base
	c := &conn{base: b, link: o.link, listener: o.listener, text: o.text, wire: w, peer: peer,
		flushed: make(chan struct{}), left: make(chan struct{}), ended: make(chan struct{})}
	_, c.own = peer.Metadata[strings.ToLower(ownProperty)]
	c.heard.Store(true)
	c.out = outQueue{hwm: b.opts.SendHWM, conflate: b.opts.Conflate, pool: &b.segments, pages: &b.pages, late: &b.counters.dropped, replaced: &b.counters.conflated}
	c.out.ready.L = &c.out.mu
	switch {
	case b.inbox == nil:
	case o.link != nil:
		c.in = o.link.in
	default:
		c.in = newInlet()
	}
	return c
}

// run moves messages until the connection ends, and returns why.
func (c *conn) run() error {
	err := c.wire.run(c)
	close(c.left)
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
	c.wire.close()
}

func (c *conn) decoder() *zmtp.Decoder {
	d := zmtp.NewDecoder(c.base.limits, &c.base.pages)
	if c.prefix != nil {
		d.Prefix(c.prefix)
	}
	return d
}

// decode passes on all that is complete, in order: a PING that follows a subscription is answered when the subscription is in force.
func (c *conn) decode(decoder *zmtp.Decoder, batch [][][]byte) ([][][]byte, error) {
	for {
		message, command, err := decoder.Next()
		if message != nil {
			batch = append(batch, message)
			continue
		}
		if len(batch) > 0 {
			c.leased = decoder.Lease(c.leased[:0])
			c.session.messages(batch, c.leased)
			clear(c.leased)
			clear(batch) // they must not live as long as the connection
			batch = batch[:0]
		}
		if command == nil {
			return batch, err
		}
		if err := c.command(command); err != nil {
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

// snapshot describes the connection.
func (c *conn) snapshot() Peer {
	p := Peer{
		Endpoint: c.text, Remote: c.wire.remote(), Own: c.own, Junk: c.junk.Load(), RoutingID: c.prefix,
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

// plain is the session of patterns without commands of their own, and the base of the others.
type plain struct{ *conn }

// messages hands them to the socket's reader.
func (p plain) messages(batch [][][]byte, pages []*zmtp.Page) {
	b := p.base
	n := b.inbox.put(p.in, batch, pages, b.inbox.hwm)
	b.counters.received.Add(uint64(n))
	b.counters.dropped.Add(uint64(len(batch) - n)) // the socket is closed
}

func (p plain) command(_, _ []byte) { p.junk.Add(1) }
func (p plain) pong([]byte)         { p.junk.Add(1) }
func (p plain) detach()             {}

func (p plain) farewell() ([]byte, bool) { return nil, false }

// excuses takes a peer that hung up at its word, as one of another package.
func (p plain) excuses(err error) bool { return errors.Is(err, io.EOF) }
