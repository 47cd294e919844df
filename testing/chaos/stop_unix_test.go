//go:build unix

package chaos_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// stop stops the process, and waits until no thread of it runs any more.
func (c *child) stop() {
	c.t.Helper()
	must(c.process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		c.t.Fatalf("%v, %v", status, err)
	}
}

// A server dies with requests in its system that it has not even read. The one that is started where it was answers them.
func TestServerDiesBeforeReading(t *testing.T) {
	t.Parallel()
	const asked = 20
	first := start(t, spec{Role: "server", Bind: []string{anyPort}})
	way := network.NewLink(t, first.endpoint())
	b, _ := join(t, zmq.Options{Request: zmq.Connect(way.Endpoint())})
	cl := newClient(t, b, forEver, 2)
	if err := cl.WaitServers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	first.stop()
	before := way.Carried()
	var done []<-chan outcome
	for i := range asked {
		done = append(done, ask(t, cl, question{Text: fmt.Sprint(i)}))
	}
	if !eventually(func() bool { return way.Carried() > before }) {
		t.Fatal("nothing was sent")
	}
	first.Kill()
	second := first.again()
	for i, d := range done {
		replied(t, d, fmt.Sprint(i), second)
	}
}

// A server stops without dying, so that its connection stays. What it was asked goes to the other one when its part of the time is over.
func TestServerStops(t *testing.T) {
	t.Parallel()
	const asked = 10
	stopped, well := start(t, spec{Role: "server", Bind: []string{anyPort}}), start(t, spec{Role: "server", Bind: []string{anyPort}})
	b, _ := join(t, zmq.Options{Request: zmq.Connect(stopped.endpoint(), well.endpoint())})
	cl := newClient(t, b, patience, 60)
	if err := cl.WaitServers(patient(t), 2); err != nil {
		t.Fatal(err)
	}
	stopped.stop()
	var done []<-chan outcome
	for i := range asked {
		done = append(done, ask(t, cl, question{Text: fmt.Sprint(i)}))
	}
	for i, d := range done {
		replied(t, d, fmt.Sprint(i), well)
	}
	if s := cl.Stats(); s.Attempts <= asked || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// A worker stops without dying, with tasks in hand. They go to the other one after AckTimeout; what the first says of them when it goes on is
// counted, and changes nothing.
func TestWorkerStops(t *testing.T) {
	t.Parallel()
	const n = 200
	b, tr := join(t, zmq.Options{Push: zmq.Bind(anyPort)})
	p, err := pipeline.NewProducer(b, chores, &pipeline.ProducerOptions{AckTimeout: 500 * time.Millisecond, Attempts: -1})
	if err != nil {
		t.Fatal(err)
	}
	workers := newCrew(t, 2, spec{Role: "worker", Connect: tr.Bound().Push})
	if err := p.WaitWorkers(patient(t), 2); err != nil {
		t.Fatal(err)
	}
	stopped, well := workers.now[0], workers.now[1]
	stopped.stop()
	<-sendAll(t, p, n)
	if did := well.did(); len(did) != n {
		t.Errorf("one worker did %d of %d tasks", len(did), n)
	}
	s := p.Stats()
	if s.Acknowledged != n || s.Redelivered == 0 || s.Unknown != 0 {
		t.Errorf("%+v", s)
	}
	must(stopped.process.Signal(syscall.SIGCONT))
	if !eventually(func() bool { return p.Stats().Unknown == s.Redelivered }) {
		t.Errorf("%+v, then %+v", s, p.Stats())
	}
}
