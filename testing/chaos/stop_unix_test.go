//go:build unix

package chaos_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// A server dies with requests in its system that it has not even read. The one that is started where it was answers them.
func TestServerDiesBeforeReading(t *testing.T) {
	t.Parallel()
	const asked = 20
	server := start(t, spec{Role: "server", Bind: []string{interop.AnyPort}})
	way := network.NewLink(t, server.endpoint())
	b, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(way.Endpoint())})
	cl := newClient(t, b, forEver, 2)
	if err := cl.WaitServers(interop.Patient(t), 1); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	before := way.Carried()
	var done []<-chan outcome
	for i := range asked {
		done = append(done, ask(t, cl, question{Text: fmt.Sprint(i)}))
	}
	if !eventually(func() bool { return way.Carried() > before }) {
		t.Fatal("nothing was sent")
	}
	server.Kill()
	server.again()
	for i, d := range done {
		replied(t, d, fmt.Sprint(i), server)
	}
}

// A server stops without dying, so that its connection stays. What it was asked goes to the other one when its part of the time is over.
func TestServerStops(t *testing.T) {
	t.Parallel()
	const asked = 10
	stopped, well := start(t, spec{Role: "server", Bind: []string{interop.AnyPort}}), start(t, spec{Role: "server", Bind: []string{interop.AnyPort}})
	b, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(stopped.endpoint(), well.endpoint())})
	cl := newClient(t, b, interop.Patience, 60)
	if err := cl.WaitServers(interop.Patient(t), 2); err != nil {
		t.Fatal(err)
	}
	stopped.Pause()
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
	b, tr := interop.Join(t, &zmq.Options{Push: zmq.Bind(interop.AnyPort)})
	p, err := pipeline.NewProducer(b, chores, &pipeline.ProducerOptions{AckTimeout: 500 * time.Millisecond, Attempts: -1})
	if err != nil {
		t.Fatal(err)
	}
	workers := newCrew(t, 2, spec{Role: "worker", Connect: tr.Bound().Push})
	if err := p.WaitWorkers(interop.Patient(t), 2); err != nil {
		t.Fatal(err)
	}
	stopped, well := workers.now[0], workers.now[1]
	stopped.Pause()
	<-sendAll(t, p, n)
	if did := well.did(); len(did) != n {
		t.Errorf("one worker did %d of %d tasks", len(did), n)
	}
	s := p.Stats()
	if s.Acknowledged != n || s.Redelivered == 0 || s.Unknown != 0 {
		t.Errorf("%+v", s)
	}
	stopped.Resume()
	if !eventually(func() bool { return p.Stats().Unknown == s.Redelivered }) {
		t.Errorf("%+v, then %+v", s, p.Stats())
	}
}
