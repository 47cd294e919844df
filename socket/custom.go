package socket

import (
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// Custom is a socket whose owner serves each connection himself: for protocols on top of a type of ZeroMQ's that have to know who sent a
// message, choose who gets one, and exchange commands of their own. To its peers it is a socket of its type. Its own Send and Recv are not
// supported; everything else is as with other sockets.
type Custom struct{ base }

// Pattern is what a [Custom] socket does with its connections.
type Pattern interface {
	// Connected is called when a peer has completed its handshake, before anything that it sends is read, and returns who serves the
	// connection.
	Connected(c *Connection) Session
}

// Session serves one connection. Messages, Command and Closed are called by the connection's reader, one at a time; while they wait,
// nothing more is read from the peer.
type Session interface {
	// Messages takes complete messages, and may keep them, but not the outer slice.
	Messages(batch [][][]byte)
	// Command takes a command other than those of ZMTP. name and body are valid during the call.
	Command(name string, body []byte)
	// Written is called after messages were written, by who wrote them: see [Connection.Sent]. It must be quick.
	Written()
	// Closed is the last call: the connection has ended for that reason, and nothing is being written any more.
	Closed(err error)
}

// Connection is one connection of a [Custom] socket. Its methods may be called concurrently.
type Connection struct{ c *conn }

// NewCustom returns a socket of that type whose connections the pattern serves. It has no goroutine before the first Listen or Dial.
func NewCustom(typ zmq4.SocketType, p Pattern, opts *Options) *Custom {
	s := &Custom{}
	s.setup(typ, opts, customer{&s.base, p})
	s.lockstep = true
	return s
}

// Unconnected lists the dialled endpoints that have no connection, each with the reason as far as it is known. It is text for people.
func (s *Custom) Unconnected() []string { return s.unconnected() }

// Peer describes the peer.
func (c *Connection) Peer() Peer { return c.c.snapshot() }

// Own says whether the peer is a socket of this package: only those understand commands that are not of ZMTP.
func (c *Connection) Own() bool { return c.c.own }

// SendFlags say how [Connection.Send] sends.
type SendFlags uint8

const (
	// Owned lets the connection keep frames of 16 KiB and more instead of copying them: they may never be changed again. They may be sent
	// more than once.
	Owned SendFlags = 1 << iota
	// Now has the caller write the message himself, as far as the connection takes it at once: quicker for a single message, slower for many.
	Now
	// Beyond queues the message although Options.SendHWM are queued: see [Connection.Ease].
	Beyond
)

// Send queues a message, and never waits: without room the error is [ErrFull], on a connection that has ended [ErrClosed], and a
// [*MessageError] tells what is wrong with the message. It copies the frames.
func (c *Connection) Send(frames [][]byte, flags SendFlags) error {
	b, out := c.c.base, &c.c.out
	if err := b.opts.check(frames); err != nil {
		return err
	}
	frames, pages := b.keep(frames, flags&Owned != 0 && !out.shared) // over inproc they would be the receiver's, and they are sent to others
	out.lock()
	full, ended := false, out.sealed || out.closed
	if !ended {
		if full = flags&Beyond == 0 && out.crowded(); !full {
			out.put(frames, pages)
		}
	}
	if flags&Now != 0 {
		out.release()
		out.kick()
	} else {
		out.unlock()
	}
	switch {
	case ended:
		return ErrClosed
	case full:
		return ErrFull
	}
	return nil
}

// Check returns the [*MessageError] that Send would return for a message.
func (c *Connection) Check(frames [][]byte) error { return c.c.base.opts.check(frames) }

// Ease waits until no more messages are queued than Options.SendHWM allows, or the connection has ended. One goroutine at a time may call it.
// A session that answers every message beyond that mark, and eases before it takes the next ones, loses no answer and uses bounded memory.
func (c *Connection) Ease() { c.c.out.ease() }

// Command queues a command, whatever waits already. written, if not nil, is called after it was written, and may never be called when the
// connection ends. The name has 1 to 255 bytes.
func (c *Connection) Command(name string, body []byte, written func()) {
	c.c.out.control(zmtp.AppendCommand(nil, name, body), written)
}

// Sent counts the messages that were written.
func (c *Connection) Sent() uint64 {
	_, sent, _ := c.c.out.counts()
	return sent
}

// Close ends the connection for that reason. The side that dialled connects again.
func (c *Connection) Close(reason error) { c.c.abort(reason) }

// customer is the pattern behind a Custom socket.
type customer struct {
	base    *base
	pattern Pattern
}

// custom is the session of one of its peers.
type custom struct {
	plain
	session Session
	written atomic.Uint32 // one of the following
}

// Over inproc the other side writes, and may have written something before Connected has returned a session to tell of it.
const (
	unknown uint32 = iota // there is no session yet
	early                 // nor was there when something was written
	told                  // by the session
)

// wrote tells the session that something was written, now or as soon as there is one.
func (s *custom) wrote() {
	if !s.written.CompareAndSwap(unknown, early) && s.written.Load() == told {
		s.session.Written()
	}
}

// begin makes session the one that is told.
func (s *custom) begin(session Session) {
	s.session = session
	if s.written.Swap(told) == early {
		session.Written()
	}
}

func (p customer) attach(c *conn) error {
	s := &custom{plain: plain{c}}
	c.session = s
	c.out.keep = true // so that Sent is exact at the end
	c.out.gather = true
	c.out.onWritten = s.wrote
	if err := p.base.add(c); err != nil {
		return err
	}
	s.begin(p.pattern.Connected(&Connection{c}))
	return nil
}

func (s *custom) messages(batch [][][]byte, _ []*zmtp.Page) {
	s.base.counters.received.Add(uint64(len(batch)))
	s.held.Store(true)
	s.session.Messages(batch)
	s.held.Store(false)
}

func (s *custom) command(name, rest []byte) { s.session.Command(string(name), rest) }

// farewell asks for a confirmation whether a message was sent or not: there may have been commands, which only peers of this package get.
func (s *custom) farewell() ([]byte, bool) { return nil, s.own }

func (s *custom) detach() {
	s.base.counters.dropped.Add(uint64(len(s.out.rest())))
	s.session.Closed(s.err)
}
