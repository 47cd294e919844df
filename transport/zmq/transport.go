package zmq

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

var (
	_ transport.Retainer  = (*Transport)(nil)
	_ transport.Requester = (*Transport)(nil)
	_ transport.Tasker    = (*Transport)(nil)
)

// Transport carries events, requests and tasks over ZeroMQ. It is made by [New] and implements [transport.Retainer],
// [transport.Requester] and [transport.Tasker], whose comments say how it behaves; here is only what is special to ZeroMQ. All
// methods may be called concurrently, but for Receive, which has one caller at a time.
//
// All sockets are always there. One without endpoints has no peers, and so it needs no case of its own anywhere.
type Transport struct {
	plain    bool
	pub      *socket.Pub
	sub      *socket.Sub
	requests requests
	serving  serving
	tasks    tasks
	outgoing sync.Pool     // of *outgoing
	incoming []zmq4.Msg    // for Receive
	changed  change.Signal // of either socket
	events   chan transport.Event
	counts   counts
	refusing atomic.Bool    // Close or Shutdown has begun
	watchers sync.WaitGroup // one for each socket
	ended    chan struct{}  // closed when both are done
}

// Bound are the endpoints that a transport has bound, in the order in which they were given, as peers may dial them: with the port
// that was chosen.
type Bound struct {
	Publish, Subscribe, Serve, Request, Push, Pull []string
}

// New returns a transport that has bound its endpoints and has begun to dial the others. nil options connect it to nobody.
//
// It fails with a [*LimitError] for an option outside its limits, and with a [*socket.EndpointError] for an endpoint that is
// malformed or cannot be bound; then nothing is left open.
func New(o *Options) (*Transport, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	t := &Transport{
		plain:  options.Plain,
		pub:    socket.NewPub(options.socket()),
		sub:    socket.NewSub(options.socket()),
		events: make(chan transport.Event, eventBuffer),
		ended:  make(chan struct{}),
	}
	t.requests.open(t, options.socket())
	t.serving.open(t, options.socket())
	t.tasks.init(&options, &t.counts)
	for _, s := range t.sockets() {
		t.watch(s)
	}
	if err := t.open(&options); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// open binds everything before it dials anything: a transport that cannot be made is seen by nobody.
func (t *Transport) open(o *Options) error {
	for _, step := range []struct {
		do        func(endpoint string) error
		endpoints []string
	}{
		{t.pub.Listen, o.Publish.bind},
		{t.sub.Listen, o.Subscribe.bind},
		{t.serving.socket.Listen, o.Serve.bind},
		{t.requests.socket.Listen, o.Request.bind},
		{t.tasks.push.socket.Listen, o.Push.bind},
		{t.tasks.pull.socket.Listen, o.Pull.bind},
		{t.pub.Dial, o.Publish.connect},
		{t.sub.Dial, o.Subscribe.connect},
		{t.serving.socket.Dial, o.Serve.connect},
		{t.requests.socket.Dial, o.Request.connect},
		{t.tasks.push.socket.Dial, o.Push.connect},
		{t.tasks.pull.socket.Dial, o.Pull.connect},
	} {
		for _, endpoint := range step.endpoints {
			if err := step.do(endpoint); err != nil {
				return err
			}
		}
	}
	return nil
}

// Bound returns the endpoints that were bound. A host of * stays one: peers put in an address of this machine.
func (t *Transport) Bound() Bound {
	return Bound{
		Publish: t.pub.Bound(), Subscribe: t.sub.Bound(),
		Serve: t.serving.socket.Bound(), Request: t.requests.socket.Bound(),
		Push: t.tasks.push.socket.Bound(), Pull: t.tasks.pull.socket.Bound(),
	}
}

// sockets returns all of them.
func (t *Transport) sockets() []socket.Socket { return append(t.flushed(), t.sub) }

// flushed returns those that have something to flush at the end.
func (t *Transport) flushed() []socket.Socket {
	return []socket.Socket{t.pub, t.serving.socket, t.requests.socket, t.tasks.push.socket, t.tasks.pull.socket}
}

// Shutdown flushes what was published, asked, replied and given out, and what became of tasks that were taken, and closes the transport. Peers
// of this module have then confirmed that they received everything, or have unsubscribed from everything and left, as a transport does that shuts down at the same time; plain ones
// have closed their side of the connection after everything was written. When ctx ends first, or a connection is lost, the error
// is a [*socket.FlushError] that names each peer; the transport is closed in every case.
func (t *Transport) Shutdown(ctx context.Context) error {
	if !t.refusing.CompareAndSwap(false, true) {
		return ErrClosed
	}
	t.release()
	t.tasks.pull.settle()
	// A peer may be our own other socket, or a bus that shuts down at the same time and waits for us: the SUB unsubscribes, goes
	// on reading until that is confirmed, and throws away what it reads.
	var leaving sync.WaitGroup
	leaving.Go(func() {
		_ = t.sub.Shutdown(ctx) // who has not confirmed that we leave has lost nothing of ours
		_ = t.sub.Close()       // waits for one that came first
	})
	flushed := t.flushed()
	errs := make([]error, len(flushed))
	for i, s := range flushed {
		leaving.Go(func() { errs[i] = s.Shutdown(ctx) })
	}
	leaving.Wait()
	t.end()
	return public(unflushed(errs))
}

// unflushed joins the errors of sockets that were shut down at the same time.
func unflushed(errs []error) (other error) {
	var all socket.FlushError
	for _, err := range errs {
		if failed, ok := errors.AsType[*socket.FlushError](err); ok {
			all.Peers = append(all.Peers, failed.Peers...)
		} else if other == nil {
			other = err
		}
	}
	if len(all.Peers) > 0 {
		return &all
	}
	return other
}

// Close ends the transport at once, and a Shutdown that is under way. It is idempotent, waits for every goroutine, and returns
// nil.
func (t *Transport) Close() error {
	first := t.refusing.CompareAndSwap(false, true)
	t.release()
	for _, s := range t.sockets() {
		_ = s.Close() // which has no error
	}
	if first {
		t.end()
	}
	<-t.ended
	return nil
}

// release lets readers go that wait for a server, or for somebody who takes tasks.
func (t *Transport) release() {
	t.serving.end()
	t.tasks.release()
}

// end is the last step of the call that ended the transport: the sockets are closed.
func (t *Transport) end() {
	t.watchers.Wait()
	close(t.events)
	t.changed.Tell()
	close(t.ended)
}
