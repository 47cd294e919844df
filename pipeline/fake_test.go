package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// fakeTasker is a transport whose other side is the test: processes with workers and with producers, in virtual time.
type fakeTasker struct {
	closed chan struct{}
	once   sync.Once
	events chan transport.Event

	mu     sync.Mutex
	source transport.TaskSource
	sink   transport.TaskSink
}

// remote runs a test with a bus on a fake transport in virtual time.
func remote(t *testing.T, test func(t *testing.T, b *bus.Bus, f *fakeTasker)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTasker{closed: make(chan struct{}), events: make(chan transport.Event)}
		test(t, bustest.New(t, &bus.Options{Transport: f}), f)
	})
}

func (f *fakeTasker) Publish(*transport.Message) error { return nil }
func (f *fakeTasker) Subscribe(string) error           { return nil }
func (f *fakeTasker) Unsubscribe(string) error         { return nil }
func (f *fakeTasker) Changed() <-chan struct{}         { return nil }
func (f *fakeTasker) Pending() []string                { return nil }
func (f *fakeTasker) Publishers() int                  { return 0 }
func (f *fakeTasker) Subscribers(string) int           { return 0 }
func (f *fakeTasker) Events() <-chan transport.Event   { return f.events }
func (f *fakeTasker) Stats() transport.Stats           { return transport.Stats{} }
func (f *fakeTasker) Shutdown(context.Context) error   { return f.Close() }
func (f *fakeTasker) Pushes() bool                     { return true }
func (f *fakeTasker) Pulls() bool                      { return true }
func (f *fakeTasker) TaskLimit() int                   { return 100_000 }
func (f *fakeTasker) FrameLimit() int                  { return 100 }

func (f *fakeTasker) Receive(ctx context.Context, _ []transport.Message) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-f.closed:
		return 0, net.ErrClosed
	}
}

func (f *fakeTasker) Close() error {
	f.once.Do(func() {
		close(f.closed)
		close(f.events)
	})
	return nil
}

func (f *fakeTasker) Produce(s transport.TaskSource) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.source = s
	return func() {}, nil
}

func (f *fakeTasker) Work(s transport.TaskSink) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sink = s
	return func() {}, nil
}

// fakeWorker is a process with workers.
type fakeWorker struct {
	t      *testing.T
	source transport.TaskSource
	peer   transport.Peer

	mu       sync.Mutex
	room     int // messages that it takes before it is full; negative: any number
	tasks    []transport.Message
	sent     uint64
	lost     bool
	rejected error
}

// worker connects a process with workers.
func (f *fakeTasker) worker(t *testing.T, plain bool) *fakeWorker {
	t.Helper()
	w := &fakeWorker{t: t, source: f.source, peer: transport.Peer{Plain: plain}, room: -1}
	f.source.WorkerUp(w)
	return w
}

func (w *fakeWorker) Peer() transport.Peer { return w.peer }

func (w *fakeWorker) Send(m *transport.Message) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.lost:
		return 0, transport.ErrLost
	case w.room == 0:
		return 0, transport.ErrFull
	}
	w.room--
	c := transport.Message{Topic: m.Topic, Plain: m.Plain}
	if !m.Plain && !w.peer.Plain {
		c.Envelope = append([]byte{}, m.Envelope...)
	}
	for _, part := range m.Payload {
		c.Payload = append(c.Payload, append([]byte{}, part...))
	}
	w.tasks = append(w.tasks, c)
	return uint64(len(w.tasks)), nil
}

func (w *fakeWorker) Sent() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func (w *fakeWorker) Reject(reason error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rejected = reason
}

// write has n more messages written, and gives as much room.
func (w *fakeWorker) write(n int) {
	w.mu.Lock()
	w.sent += uint64(n)
	if w.room >= 0 {
		w.room += n
	}
	w.mu.Unlock()
	w.source.Written(w)
}

// got describes the tasks that it has got: the name, the sequence, the attempt if it is not the first, and the payload.
func (w *fakeWorker) got() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.tasks {
		all = append(all, describe(w.t, m))
	}
	return all
}

func describe(t failer, m transport.Message) string {
	t.Helper()
	if m.Envelope == nil {
		return fmt.Sprintf("plain %s", m.Payload[0])
	}
	h, err := envelope.Parse(m.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	if attempt, ok := envelope.Lookup(h.Properties, "attempt"); ok {
		return fmt.Sprintf("%s#%d/%s %s", m.Topic, h.Seq, attempt, m.Payload[0])
	}
	return fmt.Sprintf("%s#%d %s", m.Topic, h.Seq, m.Payload[0])
}

// failer is a test, or a run of a property.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// down ends its connection.
func (w *fakeWorker) down() {
	w.mu.Lock()
	w.lost = true
	w.mu.Unlock()
	w.source.WorkerDown(w, errors.New("cut"))
}

// fakeProducer is a process with producers. It notes what it is told.
type fakeProducer struct {
	sink   transport.TaskSink
	peer   transport.Peer
	source uuid.UUID
	told   log[string]
}

// producer connects a process with producers.
func (f *fakeTasker) producer(t *testing.T, plain bool) *fakeProducer {
	t.Helper()
	p := &fakeProducer{sink: f.sink, peer: transport.Peer{Plain: plain}, source: uuid.New()}
	f.sink.ProducerUp(p)
	return p
}

func (p *fakeProducer) Peer() transport.Peer { return p.peer }
func (p *fakeProducer) Credit(task string, n uint32) {
	p.told.add(fmt.Sprintf("credit %s %d", task, n))
}
func (p *fakeProducer) Reject(reason error) { p.told.add(fmt.Sprintf("reject %v", reason)) }
func (p *fakeProducer) Ack(task string, first uint64, count uint32) {
	p.told.add(fmt.Sprintf("ack %s %d+%d", task, first, count))
}

func (p *fakeProducer) Nack(task string, seq uint64, delay time.Duration, reason string) {
	p.told.add(fmt.Sprintf("nack %s %d %v %s", task, seq, delay, reason))
}

// task is one that it sends.
func (p *fakeProducer) task(name string, seq uint64, payload string) transport.Message {
	meta := envelope.Meta{Origin: &envelope.Origin{Topic: name, Source: p.source}, Seq: seq, Time: 1}
	return transport.Message{Topic: name, Envelope: envelope.Append(nil, &meta), Payload: [][]byte{[]byte(payload)}}
}

// send sends tasks with consecutive sequences, whose payload is the sequence, and returns how many were taken.
func (p *fakeProducer) send(name string, first, last uint64) int {
	var tasks []transport.Message
	for seq := first; seq <= last; seq++ {
		tasks = append(tasks, p.task(name, seq, fmt.Sprint(seq)))
	}
	return p.sink.Tasks(p, tasks)
}

// sendPlain sends payloads in the plain form.
func (p *fakeProducer) sendPlain(payloads ...string) int {
	var tasks []transport.Message
	for _, payload := range payloads {
		tasks = append(tasks, transport.Message{Payload: [][]byte{[]byte(payload)}})
	}
	return p.sink.Tasks(p, tasks)
}

func (p *fakeProducer) down() { p.sink.ProducerDown(p, errors.New("cut")) }
