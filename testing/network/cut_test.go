package network_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

const cutTopics = 8

// cut is a way in which a network fails.
type cut struct {
	make      func(*network.Link)
	heartbeat time.Duration
	ends      bool // the connections
}

var cuts = map[string]cut{
	"reset":   {make: (*network.Link).Reset, ends: true},
	"silence": {make: (*network.Link).Silence, heartbeat: 100 * time.Millisecond, ends: true},
	// Too short for a heartbeat to notice: the same connection goes on, without what its full queue did not take.
	"stall": {make: (*network.Link).Silence},
}

// The link between two processes is cut while publishers go on. After one further event of each topic the subscriber has every event, or a
// notice that names it as lost, and none twice.
func TestCut(t *testing.T) {
	t.Parallel()
	for name, c := range cuts {
		for when, quiet := range map[string]bool{"publishing goes on": false, "one further event": true} {
			t.Run(name+"/publisher binds/"+when, func(t *testing.T) {
				t.Parallel()
				p := start(t, spec{Role: "publisher", link: link{Bind: interop.AnyPort, Heartbeat: c.heartbeat}, Topics: cutTopics, Payload: 1000})
				way := network.NewLink(t, p.endpoint)
				o := (&link{Heartbeat: c.heartbeat}).options()
				o.Subscribe = zmq.Connect(way.Endpoint())
				b, _ := interop.Join(t, o)
				c.test(t, p, way, b, quiet)
			})
			t.Run(name+"/subscriber binds/"+when, func(t *testing.T) {
				t.Parallel()
				o := (&link{Heartbeat: c.heartbeat}).options()
				o.Subscribe = zmq.Bind(interop.AnyPort)
				b, tr := interop.Join(t, o)
				way := network.NewLink(t, tr.Bound().Subscribe[0])
				p := start(t, spec{Role: "publisher", link: link{Connect: way.Endpoint(), Heartbeat: c.heartbeat}, Topics: cutTopics, Payload: 1000})
				c.test(t, p, way, b, quiet)
			})
		}
	}
}

// test cuts and heals the way. With quiet nothing is published between the cut and the further events.
func (c cut) test(t *testing.T, p *child, way *network.Link, b *bus.Bus, quiet bool) {
	events, sub := keep(t, b)
	connected(t, sub)
	p.ask("wait", 1)
	p.ask("stream", 0)
	events.awaitBeyond(t, slices.Repeat([]uint64{50}, cutTopics))

	least := time.NewTimer(cutFor)
	c.make(way)
	if c.ends {
		events.await(t, "the end of the connection", func() bool { return events.downs > 0 })
		p.ask("more", 100*cutTopics)
	} else {
		p.ask("drop", 100*cutTopics)
	}
	<-least.C
	if quiet {
		p.ask("stop", 0)
	}
	way.Heal()
	connected(t, sub)
	if !quiet {
		events.awaitBeyond(t, p.ask("more", 0).Published)
		p.ask("stop", 0)
	}

	events.await(t, "that all has arrived", func() bool { return events.pulses > 0 })
	before := p.ask("further", 0).Published
	published := p.ask("further", 1).Published
	events.awaitBeyond(t, before)
	if downs := events.lostConnections(); c.ends != (downs > 0) {
		t.Errorf("%d connections were lost", downs)
	}
	if err := b.Shutdown(interop.Patient(t)); err != nil {
		t.Error(err)
	}
	<-b.Done() // all notices have been told

	for _, problem := range events.problems(published) {
		t.Error(problem)
	}
	s, lost := b.Stats(), events.lost()
	t.Logf("published by topic: %d; lost: %d; late, and dropped as duplicates: %d", published, lost, s.Duplicate)
	if lost == 0 || s.Lost != lost || s.NoticesDropped != 0 || s.Evicted != 0 {
		t.Errorf("%d lost, %+v", lost, s)
	}
}

// connected waits until the subscription is in force on the one connection, whoever has made it.
func connected(t *testing.T, sub *subscriber.Subscription) {
	t.Helper()
	if err := sub.Ready(interop.Patient(t)); err != nil {
		t.Fatal(err)
	}
	if err := sub.WaitPublishers(interop.Patient(t), 1); err != nil {
		t.Fatal(err)
	}
}
