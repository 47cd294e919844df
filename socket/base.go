package socket

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// pattern is what one type of socket does differently from others with its connections.
type pattern interface {
	// attach gives a connection its session and adds it with base.add. An error refuses the peer.
	attach(c *conn) error
}

// base is what all sockets have: endpoints, connections, and their lives.
//
// Lock order: the pattern's own lock, then base.mu, then that of a queue or of the inbox.
type base struct {
	typ      zmq4.SocketType
	opts     Options
	limits   zmtp.Limits // of what peers send
	pattern  pattern
	sender   sender    // nil for patterns that send nothing
	receiver receiver  // nil for patterns that receive nothing
	inbox    *inbox    // nil for patterns without a queue of received messages
	lockstep bool      // one message at a time: who sends it writes it
	balancer *balancer // nil for patterns that do not balance load
	segments sync.Pool
	pages    zmtp.Pages // of what is received, and of copies of large frames to send
	monitor  monitor
	changes  change.Signal
	counters counters

	ctx      context.Context // of listeners and dialers: ends with Close, or the start of Shutdown
	cancel   context.CancelFunc
	life     context.Context // of the heartbeat: ends when the socket is closed
	end      context.CancelFunc
	tasks    sync.WaitGroup
	refusing atomic.Bool   // Shutdown or Close has begun
	refused  chan struct{} // and is closed then
	sealed   atomic.Bool   // no more connections: nothing is left for those that may come
	aborted  atomic.Bool   // Close has begun

	mu        sync.Mutex
	started   bool // the first Listen or Dial has been
	ready     map[string]string
	listeners []*listener
	links     []*link
	conns     map[*conn]struct{}
	retired   Stats // sums over connections that are gone
	closed    chan struct{}
	unsent    int // messages without a peer at the end; set before closed is closed
}

func (b *base) setup(typ zmq4.SocketType, opts *Options, p pattern) {
	b.typ, b.opts, b.pattern = typ, opts.withDefaults(), p
	b.limits = b.opts.limits()
	b.segments.New = func() any { return &segment{encoded: encoded{buf: make([]byte, 0, segmentFirst)}} }
	b.monitor.events = make(chan Event, b.opts.EventBuffer)
	b.life, b.end = context.WithCancel(context.Background())
	b.ctx, b.cancel = context.WithCancel(b.life)
	b.conns = make(map[*conn]struct{})
	b.refused, b.closed = make(chan struct{}), make(chan struct{})
}

// receives gives the socket a queue for what it receives.
func (b *base) receives() {
	b.inbox = newInbox(b.opts.ReceiveHWM)
	if b.opts.Conflate {
		b.inbox.replaced = &b.counters.conflated
	}
	b.receiver = b.inbox
}

// Type returns the socket type.
func (b *base) Type() zmq4.SocketType { return b.typ }

// Listen binds the socket to an endpoint and accepts connections on it until the socket is closed, or [Unbind]. A socket may listen on
// many. The error is an [*EndpointError], an [*OptionError] or [ErrClosed].
func (b *base) Listen(ep string) error {
	parsed, err := parseEndpoint(ep, true)
	if err != nil {
		return &EndpointError{Endpoint: ep, Op: "listen", Err: err}
	}
	if err := b.start(); err != nil {
		return err
	}
	door, err := parsed.listen(b.ctx, &b.opts)
	if err != nil {
		b.monitor.emit(Event{Kind: BindFailed, Endpoint: ep, Reason: err})
		return &EndpointError{Endpoint: ep, Op: "listen", Err: err}
	}
	l := newListener(b, parsed, door)
	b.mu.Lock()
	if b.refusing.Load() {
		b.mu.Unlock()
		_ = door.close()
		return ErrClosed
	}
	b.listeners = append(b.listeners, l)
	b.tasks.Go(l.run)
	b.mu.Unlock()
	return nil
}

// Dial connects the socket to an endpoint. It returns at once: the connection is made in the background, and made again whenever it is lost,
// until the socket is closed, or [Disconnect]. A socket may dial many. The error is an [*EndpointError], an [*OptionError] or [ErrClosed].
func (b *base) Dial(ep string) error {
	parsed, err := parseEndpoint(ep, false)
	if err != nil {
		return &EndpointError{Endpoint: ep, Op: "dial", Err: err}
	}
	if err := b.start(); err != nil {
		return err
	}
	l := newLink(b, parsed)
	b.mu.Lock()
	if b.refusing.Load() {
		b.mu.Unlock()
		l.cancel()
		return ErrClosed
	}
	b.links = append(b.links, l)
	b.tasks.Go(l.run)
	b.mu.Unlock()
	b.changes.Tell()
	return nil
}

// start checks the options and starts the heartbeat, once.
func (b *base) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refusing.Load() {
		return ErrClosed
	}
	if b.started {
		return nil
	}
	ready, err := b.opts.ready()
	if err != nil {
		return err
	}
	b.ready, b.started = ready, true
	if b.opts.HeartbeatInterval > 0 {
		b.tasks.Go(b.heartbeat)
	}
	return nil
}

// Addr returns the address of the last endpoint that Listen has bound, nil if there is none.
func (b *base) Addr() net.Addr {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.listeners) == 0 {
		return nil
	}
	return b.listeners[len(b.listeners)-1].door.addr()
}

// Bound returns the endpoints that Listen has bound, in that order, with the ports that were chosen.
func (b *base) Bound() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	bound := make([]string, len(b.listeners))
	for i, l := range b.listeners {
		bound[i] = l.bound
	}
	return bound
}

// Events returns the channel of events, always the same. What does not fit into its buffer is counted in Stats. It is closed after the
// event [MonitorStopped].
func (b *base) Events() <-chan Event { return b.monitor.events }

// Changed returns a channel that is closed at the next change of peers, of their subscriptions, of readiness, or of a peer's queue for which
// a Send got [ErrFull]. To wait for a state:
//
//	for {
//		changed := s.Changed()
//		if … { // look at Peers, Pending, Publishers, Subscribers, or Send once more
//			return
//		}
//		<-changed
//	}
func (b *base) Changed() <-chan struct{} { return b.changes.Next() }

// origin says where a connection comes from.
type origin struct {
	base     *base
	link     *link     // nil if accepted
	listener *listener // nil if dialled
	text     string
}

// greet runs the handshake and adds the connection.
func (o origin) greet(ctx context.Context, w wire) (*conn, error) {
	b, remote := o.base, w.remote()
	peer, err := w.handshake(ctx, zmtp.Options{Type: b.typ, Server: o.link == nil, Identity: b.opts.Identity, Metadata: b.ready, Timeout: b.opts.HandshakeTimeout})
	var c *conn
	if err == nil {
		c = newConn(o, w, peer)
		if err = b.pattern.attach(c); err == nil {
			return c, nil
		}
		w.close()
	}
	if errors.Is(err, ErrClosed) {
		return nil, err
	}
	b.counters.handshakesFailed.Add(1)
	b.monitor.emit(Event{Kind: failure(err), Endpoint: o.text, Remote: remote, Reason: err})
	return nil, err
}

// serve runs the connection until it ends, and returns why it did.
func (b *base) serve(c *conn) error {
	text, remote := c.text, c.wire.remote()
	b.counters.connects.Add(1)
	b.monitor.emit(Event{Kind: HandshakeSucceeded, Endpoint: text, Remote: remote, Peer: new(c.snapshot())})
	b.changes.Tell()
	err := c.run()
	b.remove(c)
	c.session.detach()
	b.retire(c)
	close(c.ended)
	b.counters.disconnects.Add(1)
	b.monitor.emit(Event{Kind: Disconnected, Endpoint: text, Remote: remote, Reason: err, Peer: new(c.snapshot())})
	b.changes.Tell()
	return err
}

// add makes c one of the connections. The pattern may have locked its own lock, so that c is complete when the first message meets it.
func (b *base) add(c *conn) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sealed.Load() || c.link != nil && c.link.ended || c.listener != nil && c.listener.ended {
		return ErrClosed
	}
	c.wire.join(c)
	b.conns[c] = struct{}{}
	if c.link != nil {
		c.link.connected = true
	}
	return nil
}

func (b *base) remove(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.link != nil {
		c.link.connected = false
	}
}

// retire takes the connection out of the figures of those that are there.
func (b *base) retire(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
	b.retired.add(c)
}

func (b *base) connections() []*conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.conns))
}
