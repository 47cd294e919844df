package metrics_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// count publishes a number of events on b, to an inline subscription of that name that was made for them and is closed afterwards.
func count(t *testing.T, b *bus.Bus, name string, n int) {
	t.Helper()
	p, err := publisher.New(b, created, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := subscriber.New(b, created, func(context.Context, topic.Event[string]) error { return nil }, &subscriber.Options{Name: name, Inline: true})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := p.Publish(t.Context(), "two pencils"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func published(on string) string { return fmt.Sprintf("fanfare_bus_published_total{bus=%q}", on) }

func succeeded(on, name, selector string) string {
	return fmt.Sprintf("fanfare_subscription_delivered_total{bus=%q,name=%q,outcome=\"succeeded\",selector=%q}", on, name, selector)
}

// Subscriptions of one name, on buses of one name, are one series, which does not go back when they are closed.
func TestSameLabelsAreSummedUp(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	one, two, nameless := bustest.New(t, &bus.Options{Name: "shop"}), bustest.New(t, &bus.Options{Name: "shop"}), bustest.New(t)
	for _, b := range []*bus.Bus{one, two, nameless, one} { // once more
		m.Watch(b)
	}
	count(t, one, "stock", 3)
	count(t, one, "stock", 4)
	count(t, two, "stock", 5)
	count(t, two, "ledger\xff", 6)
	count(t, nameless, "stock", 7)
	want := map[string]float64{
		published("shop"): 18,
		published(""):     7,
		succeeded("shop", "stock", "orders.created"):                                   12,
		succeeded("shop", "ledger\uFFFD", "orders.created"):                            6,
		succeeded("", "stock", "orders.created"):                                       7,
		`fanfare_subscription_open{bus="shop",name="stock",selector="orders.created"}`: 0,
	}
	expect(t, "all", gather(t, r), want)
	expect(t, "once more", gather(t, r), want) // nothing is added up twice
}

// Names that there is no room for share the name "other".
func TestSubscriptionsWithoutRoom(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	b := bustest.New(t)
	m.Watch(b)
	for i := range 1030 {
		count(t, b, fmt.Sprint("subscription ", i), 2)
	}
	expect(t, "1030 names", gather(t, r), map[string]float64{
		succeeded("", "subscription 1023", "orders.created"): 2,
		succeeded("", "other", ""):                           12,
	})
}

// The counters of a bus are gone when it is done or watched no more.
func TestBusesAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, r := newMetrics(t, nil)
		var buses []*bus.Bus
		for _, name := range []string{"a", "b", "c"} {
			b := bustest.New(t, &bus.Options{Name: name})
			m.Watch(b)
			buses = append(buses, b)
		}
		m.Unwatch(buses[1])
		m.Unwatch(buses[1])
		if err := buses[2].Close(); err != nil {
			t.Fatal(err)
		}
		<-buses[2].Done()
		got := gather(t, r)
		expect(t, "a", got, map[string]float64{published("a"): 0})
		for _, gone := range []string{published("b"), published("c")} {
			if _, is := got[gone]; is {
				t.Errorf("there is %s", gone)
			}
		}
	})
}

// carrier is a transport that has counted.
type carrier struct {
	transport.Transport
	sent atomic.Uint64
}

func (c *carrier) Receive(ctx context.Context, _ []transport.Message) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (c *carrier) Events() <-chan transport.Event {
	events := make(chan transport.Event)
	close(events)
	return events
}

func (c *carrier) Close() error { return nil }

func (c *carrier) Shutdown(context.Context) error { return nil }

func (c *carrier) Stats() transport.Stats {
	return transport.Stats{Sent: c.sent.Load(), Received: 2, Dropped: 3, Untaken: 4, BadPeers: 5, EventsLost: 6, RetainedEvicted: 7, LateReplies: 8, RepliesDropped: 9}
}

// shopOver returns a bus with a transport that has dropped something.
func shopOver(t *testing.T, c *carrier) *bus.Bus {
	t.Helper()
	b := bustest.New(t, &bus.Options{Name: "shop", Transport: c})
	bustest.AllowUndelivered(t, b)
	return b
}

// The counters of a transport are read where there is one.
func TestTransport(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	m.Watch(bustest.New(t, &bus.Options{Name: "alone"}))
	c := &carrier{}
	c.sent.Store(1)
	m.Watch(shopOver(t, c))
	got := gather(t, r)
	for i, name := range []string{"sent", "received", "dropped", "untaken", "bad_peers", "events_lost", "retained_evicted", "late_replies", "replies_dropped"} {
		expect(t, "transport", got, map[string]float64{fmt.Sprintf(`fanfare_transport_%s_total{bus="shop"}`, name): float64(i + 1)})
		alone := fmt.Sprintf(`fanfare_transport_%s_total{bus="alone"}`, name)
		if _, is := got[alone]; is {
			t.Errorf("there is %s", alone)
		}
	}
}

// What a transport has sent does not go back when a peer is lost that messages were queued for.
func TestSentDoesNotGoBack(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	c := &carrier{}
	m.Watch(shopOver(t, c))
	for _, step := range []struct{ sent, want uint64 }{{1000, 1000}, {52, 1000}, {60, 1008}, {60, 1008}, {10, 1008}, {11, 1009}} {
		c.sent.Store(step.sent)
		expect(t, fmt.Sprint(step.sent, " sent"), gather(t, r), map[string]float64{`fanfare_transport_sent_total{bus="shop"}`: float64(step.want)})
	}
}
