package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// rendezvous are the inproc names of this process. They are the process's as ports are the machine's, hence the one variable of the package.
var rendezvous names

type names struct {
	mu      sync.Mutex
	bound   map[string]*hall
	changes change.Signal
}

// hall is a bound inproc name: where those who dial it leave their other end.
type hall struct {
	name    string
	arrived chan *end
	gone    chan struct{}
	once    sync.Once
}

func (n *names) listen(name string) (*hall, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bound[name] != nil {
		return nil, syscall.EADDRINUSE
	}
	if n.bound == nil {
		n.bound = make(map[string]*hall)
	}
	h := &hall{name: name, arrived: make(chan *end), gone: make(chan struct{})}
	n.bound[name] = h
	n.changes.Tell()
	return h, nil
}

// dial waits until somebody listens to the name.
func (n *names) dial(ctx context.Context, name string) (wire, error) {
	for {
		changed := n.changes.Next()
		n.mu.Lock()
		h := n.bound[name]
		n.mu.Unlock()
		if h == nil {
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		}
		here, there := newEnds(name)
		select {
		case h.arrived <- there:
			return here, nil
		case <-h.gone:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (h *hall) accept() (wire, error) {
	select {
	case e := <-h.arrived:
		return e, nil
	case <-h.gone:
		return nil, net.ErrClosed
	}
}

func (h *hall) close() error {
	h.once.Do(func() {
		rendezvous.mu.Lock()
		delete(rendezvous.bound, h.name)
		rendezvous.mu.Unlock()
		close(h.gone)
	})
	return nil
}

func (h *hall) addr() net.Addr { return inprocAddr(h.name) }

type inprocAddr string

func (inprocAddr) Network() string  { return schemeInproc }
func (a inprocAddr) String() string { return string(a) }

// end is one end of a connection inside the process. There is no writer: each reader takes what the other's queue holds, as it is.
type end struct {
	name  string
	other *end
	hello chan []byte    // the other's READY
	queue chan *outQueue // what the other sends
	gone  chan struct{}  // closed with this end
	once  sync.Once
	mu    sync.Mutex
	own   *outQueue // what we send, once joined
	from  *outQueue // what the other sends, once known
}

func newEnds(name string) (a, b *end) {
	a, b = newEnd(name), newEnd(name)
	a.other, b.other = b, a
	return a, b
}

func newEnd(name string) *end {
	return &end{name: name, hello: make(chan []byte, 1), queue: make(chan *outQueue, 1), gone: make(chan struct{})}
}

func (e *end) handshake(ctx context.Context, o zmtp.Options) (zmtp.Peer, error) {
	peer, err := e.greet(ctx, o)
	if err != nil {
		e.close()
	}
	return peer, err
}

func (e *end) greet(ctx context.Context, o zmtp.Options) (zmtp.Peer, error) {
	ready, err := o.Ready()
	if err != nil {
		return zmtp.Peer{}, err
	}
	e.other.hello <- ready
	timeout := time.NewTimer(o.Timeout)
	defer timeout.Stop()
	select {
	case theirs := <-e.hello:
		return o.Accept(theirs)
	case <-e.other.gone:
		return zmtp.Peer{}, io.EOF
	case <-timeout.C:
		return zmtp.Peer{}, context.DeadlineExceeded
	case <-ctx.Done():
		return zmtp.Peer{}, ctx.Err()
	}
}

func (e *end) join(c *conn) {
	c.out.shared = true
	e.mu.Lock()
	e.own = &c.out
	e.mu.Unlock()
	e.other.queue <- &c.out
	select {
	case <-e.other.gone: // perhaps before it could see our queue
		e.other.refuse()
	default:
	}
}

// refuse ends the queue of a sender whose other side is gone.
func (e *end) refuse() {
	select {
	case from := <-e.queue:
		from.close()
	default:
	}
}

func (e *end) run(c *conn) error {
	defer e.close()
	from, ok := e.meet()
	if !ok {
		return io.EOF
	}
	decoder := c.decoder()
	var batch [][][]byte
	for {
		s := from.take()
		if s == nil {
			return io.EOF
		}
		output, page := s.give(from.pages)
		err := output.load(decoder, page, func() (err error) {
			batch, err = c.decode(decoder, batch)
			return err
		})
		from.done(s)
		if err != nil {
			return err
		}
		runtime.Gosched() // lets senders gather: taking message by message costs twice as much for each
	}
}

// meet waits for the other's queue. One that joined and left has left something to read.
func (e *end) meet() (*outQueue, bool) {
	var from *outQueue
	select {
	case from = <-e.queue:
	case <-e.gone:
	case <-e.other.gone:
		select {
		case from = <-e.queue:
		default:
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.gone:
		return nil, false
	default:
		e.from = from
		return from, from != nil
	}
}

// close leaves the other side what was sent, and takes nothing more of it.
func (e *end) close() {
	e.once.Do(func() {
		e.mu.Lock()
		own, from := e.own, e.from
		close(e.gone)
		e.mu.Unlock()
		if from != nil {
			from.close()
		}
		e.refuse()
		if own == nil {
			return
		}
		select {
		case <-e.other.gone: // and reads nothing more
			own.close()
		default:
			own.finish()
		}
	})
}

func (*end) closeWrite() error { return errors.ErrUnsupported }
func (*end) stream() bool      { return false }
func (e *end) remote() string  { return schemeInproc + "://" + e.name }
