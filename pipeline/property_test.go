package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// world is a bus with a producer, workers of its own and processes that behave in any way, and what must have become of the tasks.
type world struct {
	*rapid.T
	bus    *bus.Bus
	fake   *fakeTasker
	p      *pipeline.Producer[int]
	peers  []*peerModel
	locals []*pipeline.Worker
	done   map[uint64]bool
}

// peerModel is a process with workers, and what it may have.
type peerModel struct {
	*fakeWorker
	credit int
	seen   int             // of tasks
	holds  map[uint64]bool // what it was given, and has neither acknowledged nor given back
}

// look takes note of what the processes got, and checks that they may.
func (w *world) look() {
	synctest.Wait()
	for _, p := range w.peers {
		for ; p.seen < len(p.tasks); p.seen++ {
			var seq uint64
			if _, err := fmt.Sscanf(describe(w, p.tasks[p.seen]), "numbers#%d", &seq); err != nil {
				w.Fatal(err)
			}
			if p.credit--; p.credit < 0 {
				w.Fatalf("task %d without credit", seq)
			}
			if w.done[seq] {
				w.Fatalf("task %d was done, and is given again", seq)
			}
			p.holds[seq] = true
		}
	}
	s := w.p.Stats()
	if sum := s.Waiting + s.Given + s.Acknowledged + s.DeadLetters + s.Abandoned; s.Sent != sum || s.Given > s.Sent || s.Waiting > s.Sent {
		w.Fatalf("sent %d, the others add up to %d: %+v", s.Sent, sum, s)
	}
	if len(w.locals) == 0 {
		return
	}
	var begun uint64
	var l pipeline.WorkerStats
	for _, one := range w.locals {
		l = one.Stats()
		if l.Begun != l.Running+l.Succeeded+l.Failed+l.Filtered {
			w.Fatalf("%+v", l)
		}
		begun += l.Begun
	}
	if l.Received != l.Held+begun+l.Returned+l.Abandoned {
		w.Fatalf("begun %d: %+v", begun, l)
	}
}

// any draws a process that is there, and one of its tasks, 0 if it has none.
func (w *world) any() (p *peerModel, seq uint64) {
	p = w.peers[rapid.IntRange(0, len(w.peers)-1).Draw(w.T, "peer")]
	var all []uint64
	for s := range uint64(500) {
		if p.holds[s] {
			all = append(all, s)
		}
	}
	if len(all) > 0 {
		seq = all[rapid.IntRange(0, len(all)-1).Draw(w.T, "task")]
	}
	return p, seq
}

// connect adds a process.
func (w *world) connect() {
	p := &peerModel{fakeWorker: &fakeWorker{source: w.fake.source, room: -1}, holds: map[uint64]bool{}}
	w.peers = append(w.peers, p)
	w.fake.source.WorkerUp(p)
}

// step does something.
func (w *world) step() {
	switch rapid.IntRange(0, 9).Draw(w.T, "step") {
	case 0, 1, 2:
		for range rapid.IntRange(1, 10).Draw(w.T, "tasks") {
			if err := w.p.Send(context.Background(), 1); err != nil {
				w.Fatal(err)
			}
		}
	case 3:
		p, _ := w.any()
		n := rapid.IntRange(0, 8).Draw(w.T, "credit")
		if p.credit += n; n == 0 {
			p.credit = 0
		}
		w.fake.source.Credit(p, "numbers", uint32(n))
	case 4, 5:
		if p, seq := w.any(); seq > 0 {
			delete(p.holds, seq)
			w.done[seq] = true
			w.fake.source.Ack(p, "numbers", seq, 1)
		}
	case 6:
		if p, seq := w.any(); seq > 0 {
			delete(p.holds, seq)
			reason := rapid.SampledFrom([]string{"", "no"}).Draw(w.T, "reason")
			delay := time.Duration(rapid.IntRange(0, 3).Draw(w.T, "delay")) * time.Second
			w.fake.source.Nack(p, "numbers", seq, delay, reason)
		}
	case 7:
		p, _ := w.any()
		p.down()
		for i := range w.peers {
			if w.peers[i] == p {
				w.peers = append(w.peers[:i], w.peers[i+1:]...)
				break
			}
		}
		w.connect()
	case 8:
		time.Sleep(time.Duration(rapid.IntRange(1, 8).Draw(w.T, "time")) * time.Second)
	case 9:
		w.local()
	}
	w.look()
}

// local adds a worker of the same bus, or closes one.
func (w *world) local() {
	if len(w.locals) < 3 {
		l, err := pipeline.NewWorker(w.bus, numbers, w.handle, &pipeline.Options{Workers: 1 + len(w.locals), Prefetch: 2})
		if err != nil {
			w.Fatal(err)
		}
		w.locals = append(w.locals, l)
		return
	}
	_ = w.locals[rapid.IntRange(0, 2).Draw(w.T, "worker")].Close()
}

// handle is the handler of the bus's own workers: the sequence says what it does.
func (w *world) handle(ctx context.Context, _ int) error {
	d, _ := pipeline.DeliveryFrom(ctx)
	time.Sleep(time.Duration(d.Seq()%7) * time.Second)
	if d.Seq()%3 == 0 && d.Attempt() < 3 {
		return errors.New("not yet")
	}
	return nil
}

// Whatever workers do, no task is lost: at the end each was acknowledged. Nobody gets a task without credit, what a process has acknowledged is
// not given again, and the counters add up at every moment.
func TestTasksProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			f := &fakeTasker{closed: make(chan struct{}), events: make(chan transport.Event)}
			nop := zerolog.Nop()
			b, err := bus.New(&bus.Options{Transport: f, Logger: &nop})
			if err != nil {
				rt.Fatal(err)
			}
			defer func() {
				_ = b.Close()
				<-b.Done()
			}()
			p, err := pipeline.NewProducer(b, numbers, &pipeline.ProducerOptions{Attempts: -1, AckTimeout: 5 * time.Second})
			if err != nil {
				rt.Fatal(err)
			}
			w := &world{T: rt, bus: b, fake: f, p: p, done: map[uint64]bool{}}
			w.connect()
			w.connect()
			for range rapid.IntRange(1, 40).Draw(rt, "steps") {
				w.step()
			}
			for _, peer := range w.peers {
				peer.down()
			}
			w.peers = nil
			finish, err := pipeline.NewWorker(b, numbers, func(context.Context, int) error { return nil }, nil)
			if err != nil {
				rt.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			if err := p.Wait(ctx); err != nil {
				rt.Fatalf("%v: %+v", err, p.Stats())
			}
			w.locals = append(w.locals, finish)
			w.look()
			if s := p.Stats(); s.Acknowledged != s.Sent || s.Sent == 0 && len(w.done) > 0 {
				rt.Fatalf("%+v", s)
			}
		})
	})
}
