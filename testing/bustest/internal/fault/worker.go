package fault

import (
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// worker is a transport.TaskWorker as the bus knows it, until its connection is lost or cut off.
type worker struct {
	link *workerLink
	gone atomic.Bool
}

func (w *worker) Peer() transport.Peer { return w.link.real.Peer() }
func (w *worker) Sent() uint64         { return w.link.real.Sent() }

func (w *worker) Reject(reason error) {
	if !w.gone.Load() {
		w.link.real.Reject(reason)
	}
}

// Send counts the credit that it uses.
func (w *worker) Send(m *transport.Message) (nth uint64, err error) {
	if w.gone.Load() {
		return 0, transport.ErrLost
	}
	l := w.link
	t := l.source.of.of
	t.faults.leaves(t, m)
	task := m.Topic
	if m.Plain || m.Envelope == nil {
		task = ""
	}
	l.mu.Lock()
	o := l.output(task)
	if h, err := envelope.Parse(m.Envelope); err == nil {
		o.last = max(o.last, h.Seq) // before it is sent: word of it may be quick
		o.given[h.Seq] = given{attempt: attemptOf(h)}
	}
	l.mu.Unlock()
	if nth, err = l.real.Send(m); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.credit > 0 {
		o.credit--
	}
	return nth, nil
}
