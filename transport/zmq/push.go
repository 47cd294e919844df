package zmq

import (
	"errors"
	"sync"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// maxAnnounced is how many names of tasks a peer may announce while nobody produces.
const maxAnnounced = 4096

// errAnnounced says that a peer has announced too many.
var errAnnounced = errors.New("zmq: the peer has announced more than 4096 names of tasks")

// pusher is the PUSH side: a TaskSource gives tasks to the peers of its socket. It is the pattern of that.
type pusher struct {
	socket *socket.Custom

	mu      sync.Mutex
	source  transport.TaskSource // nil while nobody produces
	workers map[*taskWorker]struct{}
}

func newPusher(o *socket.Options) *pusher {
	p := &pusher{workers: map[*taskWorker]struct{}{}}
	p.socket = socket.NewCustom(zmq4.Push, p, o)
	return p
}

// Connected is called by the socket.
func (p *pusher) Connected(c *socket.Connection) socket.Session {
	w := &taskWorker{pusher: p, connection: c, peer: peerOf(c.Peer())}
	p.mu.Lock()
	p.workers[w] = struct{}{}
	s := p.source
	p.mu.Unlock()
	w.introduce(s)
	return w
}

// produce makes s the source, and tells it of the workers that are there.
func (p *pusher) produce(s transport.TaskSource) (release func(), err error) {
	p.mu.Lock()
	if p.source != nil {
		p.mu.Unlock()
		return nil, &transport.InUseError{What: "Produce"}
	}
	p.source = s
	workers := make([]*taskWorker, 0, len(p.workers))
	for w := range p.workers {
		workers = append(workers, w)
	}
	p.mu.Unlock()
	for _, w := range workers {
		w.introduce(s)
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.source = nil
	}), nil
}

func (p *pusher) now() transport.TaskSource {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.source
}

// taskWorker is a peer of the PUSH socket. It is a transport.TaskWorker, and the session of the connection.
type taskWorker struct {
	pusher     *pusher
	connection *socket.Connection
	peer       transport.Peer

	calls sync.Mutex // held while the source is called, but for Written: one call at a time
	told  transport.TaskSource
	early map[string]uint32 // credit that came while nobody produced
	gone  bool

	mu sync.Mutex
	outgoing
	nth uint64
}

// introduce tells s of the worker, unless it was told or the worker is gone.
func (w *taskWorker) introduce(s transport.TaskSource) {
	w.calls.Lock()
	defer w.calls.Unlock()
	w.tell(s)
}

// tell is introduce for who holds calls. It reports whether s, which may be nil, is to hear of the worker.
func (w *taskWorker) tell(s transport.TaskSource) bool {
	if s == nil || w.gone {
		return false
	}
	if w.told != s {
		w.told = s
		s.WorkerUp(w)
		for task, n := range w.early {
			s.Credit(w, task, n)
		}
		w.early = nil
	}
	return true
}

// Messages takes nothing: a PULL has nothing to say but commands.
func (w *taskWorker) Messages([][][]byte) { w.Reject(errDirection) }

// errDirection says that a peer sent messages against the direction of its socket.
var errDirection = errors.New("zmq: a PULL peer sent a message")

// Command takes the commands of a peer of ours; those of others mean nothing here.
func (w *taskWorker) Command(name string, body []byte) {
	if w.peer.Plain {
		return
	}
	if err := w.command(name, body); err != nil {
		w.Reject(err)
	}
}

func (w *taskWorker) command(name string, body []byte) error {
	w.calls.Lock()
	defer w.calls.Unlock()
	s := w.pusher.now()
	listens := w.tell(s)
	switch name {
	case creditCommand:
		n, task, err := parseCredit(body)
		switch {
		case err != nil:
			return err
		case listens:
			s.Credit(w, task, n)
		default:
			return w.remember(task, n)
		}
	case ackCommand:
		task, ranges, err := parseAck(body)
		if err != nil || !listens {
			return err
		}
		for _, r := range ranges {
			s.Ack(w, task, r.first, r.count)
		}
	case nackCommand:
		n, err := parseNack(body)
		if err != nil || !listens {
			return err
		}
		s.Nack(w, n.task, n.seq, n.delay, n.reason)
	}
	return nil
}

// remember adds credit that nobody can use yet.
func (w *taskWorker) remember(task string, n uint32) error {
	if w.early == nil {
		w.early = map[string]uint32{}
	}
	had, known := w.early[task]
	if !known && len(w.early) >= maxAnnounced {
		return errAnnounced
	}
	if n == 0 {
		had = 0
	}
	w.early[task] = max(had, had+n) // or it has gone round
	return nil
}

// Written tells the source.
func (w *taskWorker) Written() {
	if s := w.pusher.now(); s != nil {
		s.Written(w)
	}
}

// Closed tells the source, if it knows the worker.
func (w *taskWorker) Closed(err error) {
	p := w.pusher
	p.mu.Lock()
	delete(p.workers, w)
	s := p.source
	p.mu.Unlock()
	w.calls.Lock()
	defer w.calls.Unlock()
	w.gone = true
	if s != nil && s == w.told {
		s.WorkerDown(w, err)
	}
}

func (w *taskWorker) Peer() transport.Peer { return w.peer }
func (w *taskWorker) Sent() uint64         { return w.connection.Sent() }
func (w *taskWorker) Reject(reason error)  { w.connection.Close(reason) }

// Send puts the frames together. Others may follow at once, so the writer gets them: one Write for each takes longer.
func (w *taskWorker) Send(m *transport.Message) (nth uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames = w.frames[:0]
	w.appendBody(m, w.peer.Plain)
	err = w.connection.Send(w.frames, flagsOf(m, false))
	clear(w.frames)
	switch {
	case err == nil:
		w.nth++
		return w.nth, nil
	case errors.Is(err, socket.ErrFull):
		return 0, transport.ErrFull
	case errors.Is(err, socket.ErrClosed):
		return 0, transport.ErrLost
	}
	return 0, err
}
