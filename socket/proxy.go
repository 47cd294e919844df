package socket

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/go-zeromq/zmq4"
)

// proxyBatch is how many messages a proxy takes at once.
const proxyBatch = 128

// Proxy carries messages between two sockets, both ways where one can receive and the other can send. XSUB and XPUB make a forwarder, which
// carries subscriptions the other way; ROUTER and DEALER a queue for requests and their replies; PULL and PUSH a streamer, which has one way.
// It is libzmq's zmq_proxy_steerable. The sockets stay the caller's, who binds, connects and closes them, and does not receive from them while
// the proxy runs. All methods may be called concurrently, except Run during Run.
type Proxy struct {
	frontend, backend, capture Socket
	ways                       []*way
	stats                      [2]proxySide // of frontend and backend

	mu      sync.Mutex
	stopped sync.Cond // taking has gone down
	taking  int       // ways that may be taking messages
	turn    context.Context
	pause   context.CancelFunc // ends turn
	resumed chan struct{}      // closed by Resume; nil unless paused
}

// ProxyStats counts what a [Proxy] has carried since it was made, by socket. Each figure is exact; they are read one after the other.
type ProxyStats struct{ Frontend, Backend ProxySide }

// ProxySide counts what a [Proxy] has taken from one socket and given to it. Bytes are those of all frames.
type ProxySide struct {
	MessagesIn, BytesIn   uint64
	MessagesOut, BytesOut uint64
	Refused               uint64 // messages that the socket did not want: too large, for nobody, or full and not waiting
}

// NewProxy returns a proxy that does nothing before Run. capture, if not nil, gets a copy of every message, of both ways, before the other side
// does. It may be a PUB, PUSH, DEALER or PAIR; one that waits while it is full, as all but PUB do, holds up the proxy, as in libzmq.
// Where frontend and backend are the same socket there is one way, from it to itself.
func NewProxy(frontend, backend, capture Socket) *Proxy {
	p := &Proxy{frontend: frontend, backend: backend, capture: capture}
	p.stopped.L = &p.mu
	p.connect(frontend, backend, &p.stats[0], &p.stats[1])
	if frontend != backend {
		p.connect(backend, frontend, &p.stats[1], &p.stats[0])
	}
	return p
}

func (p *Proxy) connect(from, to Socket, in, out *proxySide) {
	receives := from.Type() != zmq4.Pub && from.Type() != zmq4.Push
	sends := to.Type() != zmq4.Sub && to.Type() != zmq4.Pull
	if receives && sends {
		p.ways = append(p.ways, &way{proxy: p, from: from, to: to, in: in, out: out})
	}
}

// Run carries messages until ctx ends, and returns its error, or until one of the sockets is closed, and returns [ErrClosed]. Any other error of
// a socket ends it as well and is returned; a message that a socket refuses for its own sake is counted and left out. What was taken and
// could not be given on by the end is kept, and the next Run begins with it. An [*UnsupportedError] says that there is nothing to
// carry between such sockets, or that capture is one that cannot be used.
func (p *Proxy) Run(ctx context.Context) error {
	sockets := []Socket{p.frontend, p.backend}
	if len(p.ways) == 0 {
		return &UnsupportedError{Type: p.frontend.Type(), Op: "proxy to " + string(p.backend.Type())}
	}
	if p.capture != nil {
		switch t := p.capture.Type(); t {
		case zmq4.Pub, zmq4.Push, zmq4.Dealer, zmq4.Pair:
			sockets = append(sockets, p.capture)
		default:
			return &UnsupportedError{Type: t, Op: "capture"}
		}
	}
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var tasks sync.WaitGroup
	for _, w := range p.ways {
		tasks.Go(func() { stop(w.run(run)) })
	}
	for _, s := range sockets { // nobody waits in one that only sends, or in any during a pause
		tasks.Go(func() { stop(watch(run, s)) })
	}
	tasks.Wait()
	p.mu.Lock()
	p.turn = nil // it was a part of run
	p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(run)
}

// Pause makes the proxy take no more messages, now or when it runs next: they wait in the sockets, whose limits hold back the peers. When
// it returns nothing is being taken; what was taken before is still given on. A second call changes nothing.
func (p *Proxy) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed == nil {
		p.resumed = make(chan struct{})
	}
	if p.turn != nil {
		p.pause()
		p.turn = nil
	}
	for paused := p.resumed; p.taking > 0 && p.resumed == paused; {
		p.stopped.Wait()
	}
}

// Resume ends a pause. Without one it does nothing.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
		p.stopped.Broadcast() // to a Pause that this has overtaken
	}
}

// Stats returns the counters.
func (p *Proxy) Stats() ProxyStats { return ProxyStats{p.stats[0].load(), p.stats[1].load()} }

// begin waits until the proxy is not paused. Until end, messages may be taken with the context that it returns: Pause ends it.
func (p *Proxy) begin(run context.Context) (context.Context, error) {
	for {
		p.mu.Lock()
		resumed := p.resumed
		if resumed == nil {
			if p.turn == nil {
				p.turn, p.pause = context.WithCancel(run)
			}
			turn := p.turn
			p.taking++
			p.mu.Unlock()
			return turn, nil
		}
		p.mu.Unlock()
		select {
		case <-resumed:
		case <-run.Done():
			return nil, run.Err()
		}
	}
}

func (p *Proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taking--
	p.stopped.Broadcast()
}

// way is one of the two directions. Only its goroutine uses it.
type way struct {
	proxy    *Proxy
	from, to Socket
	in, out  *proxySide
	buf      [proxyBatch]zmq4.Msg
	sizes    [proxyBatch]int // of the messages in buf, which are not ours any more when they count
	next, n  int             // buf[next:n] has been taken and not given on
	captured int             // and before this, captured
}

func (w *way) run(ctx context.Context) error {
	for {
		if w.next == w.n {
			if err := w.take(ctx); err != nil {
				return err
			}
		}
		if err := w.copy(ctx); err != nil {
			return err
		}
		if err := w.give(ctx); err != nil {
			return err
		}
	}
}

func (w *way) take(ctx context.Context) error {
	for {
		turn, err := w.proxy.begin(ctx)
		if err != nil {
			return err
		}
		n, err := w.from.RecvBatch(turn, w.buf[:])
		w.proxy.end()
		if err != nil && turn.Err() != nil && ctx.Err() == nil {
			continue // a pause
		}
		w.next, w.n, w.captured = 0, n, 0
		bytes := 0
		for i, m := range w.buf[:n] {
			w.sizes[i] = 0
			for _, frame := range m.Frames {
				w.sizes[i] += len(frame)
			}
			bytes += w.sizes[i]
		}
		w.in.messagesIn.Add(uint64(n))
		w.in.bytesIn.Add(uint64(bytes))
		return err
	}
}

// copy gives messages to the capture socket. It copies them: who receives one may change it.
func (w *way) copy(ctx context.Context) error {
	for w.proxy.capture != nil && w.captured < w.n {
		n, err := w.proxy.capture.SendBatch(ctx, w.buf[w.captured:w.n])
		w.captured += n
		if refused(err) {
			w.captured++
		} else if err != nil {
			return err
		}
	}
	return nil
}

// give sends what was taken, as it is.
func (w *way) give(ctx context.Context) error {
	for w.next < w.n {
		n, err := sendOwned(ctx, w.to, w.buf[w.next:w.n])
		bytes := 0
		for _, size := range w.sizes[w.next : w.next+n] {
			bytes += size
		}
		w.out.messagesOut.Add(uint64(n))
		w.out.bytesOut.Add(uint64(bytes))
		if refused(err) {
			w.out.refused.Add(1)
			n++
		}
		clear(w.buf[w.next : w.next+n]) // or they would live until the next ones come
		w.next += n
		if err != nil && !refused(err) {
			return err
		}
	}
	return nil
}

// batchOwner is what every socket of this package is: it sends many messages without copying large frames.
type batchOwner interface {
	sendBatchOwned(ctx context.Context, msgs []zmq4.Msg) (int, error)
}

func sendOwned(ctx context.Context, to Socket, msgs []zmq4.Msg) (n int, err error) {
	if to, ok := to.(batchOwner); ok {
		return to.sendBatchOwned(ctx, msgs)
	}
	for _, m := range msgs {
		if err := to.SendOwned(ctx, m); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// refused says whether an error is about one message and not about the socket.
func refused(err error) bool {
	var unfit *MessageError
	return errors.Is(err, ErrFull) || errors.Is(err, ErrUnroutable) || errors.As(err, &unfit)
}

// watch waits until the socket is closed.
func watch(ctx context.Context, s Socket) error {
	for {
		changed := s.Changed()
		if _, err := s.SendBatch(ctx, nil); errors.Is(err, ErrClosed) { // sends nothing
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type proxySide struct{ messagesIn, bytesIn, messagesOut, bytesOut, refused atomic.Uint64 }

func (s *proxySide) load() ProxySide {
	return ProxySide{
		MessagesIn: s.messagesIn.Load(), BytesIn: s.bytesIn.Load(),
		MessagesOut: s.messagesOut.Load(), BytesOut: s.bytesOut.Load(), Refused: s.refused.Load(),
	}
}
