package network_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// A subscriber reaches the same publisher by two ways, one of which is cut and healed. It handles no event twice, and knows of each.
func TestRedundantWay(t *testing.T) {
	t.Parallel()
	const topics = 3
	p := start(t, spec{Role: "publisher", link: link{Bind: interop.AnyPort}, Topics: topics, Payload: 100})
	one, two := network.NewLink(t, p.endpoint), network.NewLink(t, p.endpoint)
	o := (&link{}).options()
	o.Subscribe = zmq.Connect(one.Endpoint(), two.Endpoint())
	b, _ := interop.Join(t, o)
	events, sub := keep(t, b)
	connected(t, sub)
	p.ask("wait", 2)
	p.ask("stream", 0)
	events.awaitBeyond(t, []uint64{50, 50, 50})
	one.Reset()
	events.await(t, "the end of the connection", func() bool { return events.downs > 0 })
	events.awaitBeyond(t, p.ask("more", 100).Published)
	one.Heal()
	connected(t, sub)
	events.awaitBeyond(t, p.ask("more", 100).Published)
	p.ask("stop", 0)
	events.await(t, "that all has arrived", func() bool { return events.pulses > 0 })
	before := p.ask("further", 0).Published
	published := p.ask("further", 1).Published
	events.awaitBeyond(t, before)
	if err := b.Shutdown(interop.Patient(t)); err != nil {
		t.Error(err)
	}
	<-b.Done()
	for _, problem := range events.problems(published) {
		t.Error(problem)
	}
	if s := b.Stats(); s.Duplicate == 0 || s.Lost != events.lost() {
		t.Errorf("%+v", s)
	}
}
