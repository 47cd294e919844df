package zmq

import (
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// puller is the PULL side: a TaskSink takes the tasks of the peers of its socket. It is the pattern of that.
type puller struct {
	socket *socket.Custom
	counts *counts
	ending chan struct{} // closed when nobody has to wait for a sink any more

	mu        sync.Mutex
	sink      transport.TaskSink // nil while nobody works
	producers map[*taskProducer]struct{}
	changed   change.Signal // of sink
}

func newPuller(o *socket.Options, counts *counts) *puller {
	p := &puller{counts: counts, ending: make(chan struct{}), producers: map[*taskProducer]struct{}{}}
	p.socket = socket.NewCustom(zmq4.Pull, p, o)
	return p
}

// Connected is called by the socket.
func (p *puller) Connected(c *socket.Connection) socket.Session {
	t := &taskProducer{puller: p, connection: c, peer: peerOf(c.Peer())}
	t.commands.connection = c
	p.mu.Lock()
	p.producers[t] = struct{}{}
	s := p.sink
	p.mu.Unlock()
	t.introduce(s)
	return t
}

// work makes s the sink, and tells it of the producers that are there.
func (p *puller) work(s transport.TaskSink) (release func(), err error) {
	p.mu.Lock()
	if p.sink != nil {
		p.mu.Unlock()
		return nil, &transport.InUseError{What: "Work"}
	}
	p.sink = s
	producers := make([]*taskProducer, 0, len(p.producers))
	for t := range p.producers {
		producers = append(producers, t)
	}
	p.mu.Unlock()
	for _, t := range producers {
		t.introduce(s)
	}
	p.changed.Tell()
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sink = nil
	}), nil
}

func (p *puller) now() transport.TaskSink {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sink
}

// await waits until there is a sink. It returns nil at the end of the transport.
func (p *puller) await() transport.TaskSink {
	for {
		changed := p.changed.Next()
		if s := p.now(); s != nil {
			return s
		}
		select {
		case <-changed:
		case <-p.ending:
			return nil
		}
	}
}

// settle queues what is still to be told to the producers. The socket flushes only what is queued.
func (p *puller) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t := range p.producers {
		t.commands.settle()
	}
}

// taskProducer is a peer of the PULL socket. It is a transport.TaskProducer, and the session of the connection.
type taskProducer struct {
	puller     *puller
	connection *socket.Connection
	peer       transport.Peer
	tasks      []transport.Message // of one batch
	commands   taskCommands

	calls sync.Mutex // held while the sink is called, but for Tasks, which may wait: one call at a time
	told  transport.TaskSink
	gone  bool
}

// introduce tells s, which may be nil, of the producer, unless it was told or the producer is gone.
func (t *taskProducer) introduce(s transport.TaskSink) {
	t.calls.Lock()
	defer t.calls.Unlock()
	if s != nil && !t.gone && t.told != s {
		t.told = s
		s.ProducerUp(t)
	}
}

// Messages hands tasks to the sink, and waits for one.
func (t *taskProducer) Messages(batch [][][]byte) {
	s := t.puller.await()
	if s == nil {
		t.puller.counts.untaken.Add(uint64(len(batch)))
		return
	}
	t.introduce(s)
	for _, frames := range batch {
		t.tasks = append(t.tasks, classifyTask(frames))
	}
	taken := s.Tasks(t, t.tasks)
	t.puller.counts.received.Add(uint64(taken))
	t.puller.counts.untaken.Add(uint64(len(t.tasks) - taken))
	clear(t.tasks)
	t.tasks = t.tasks[:0]
}

// classifyTask says what the frames of a message are.
func classifyTask(frames [][]byte) transport.Message {
	if len(frames) < 3 || len(frames[0]) > maxTopic || !envelope.Is(frames[1]) {
		return transport.Message{Payload: frames}
	}
	return transport.Message{
		Topic:    view(frames[0]),
		Envelope: frames[1],
		Payload:  frames[2:],
	}
}

// Command takes nothing: a PUSH has nothing to say but tasks.
func (t *taskProducer) Command(string, []byte) {}

// Written has nothing to tell: a PULL sends no messages.
func (t *taskProducer) Written() {}

// Closed tells the sink, if it knows the producer.
func (t *taskProducer) Closed(err error) {
	p := t.puller
	p.mu.Lock()
	delete(p.producers, t)
	s := p.sink
	p.mu.Unlock()
	t.calls.Lock()
	defer t.calls.Unlock()
	t.gone = true
	if s != nil && s == t.told {
		s.ProducerDown(t, err)
	}
}

func (t *taskProducer) Peer() transport.Peer { return t.peer }
func (t *taskProducer) Reject(reason error)  { t.connection.Close(reason) }

func (t *taskProducer) Credit(task string, n uint32) {
	if !t.peer.Plain {
		t.commands.credit(task, n)
	}
}

func (t *taskProducer) Ack(task string, first uint64, count uint32) {
	if !t.peer.Plain {
		t.commands.ack(task, first, count)
	}
}

func (t *taskProducer) Nack(task string, seq uint64, delay time.Duration, reason string) {
	if !t.peer.Plain {
		t.commands.nack(nack{task, seq, delay, reason})
	}
}
