package zmq_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// received checks the sequences of the next events. Each order has its sequence as ID.
func received(t *testing.T, who string, events <-chan topic.Event[order], want ...int) (all []topic.Event[order]) {
	t.Helper()
	var got []int
	for range want {
		e := next(t, events)
		all, got = append(all, e), append(got, int(e.Seq()))
		if e.Value.ID != int(e.Seq()) {
			t.Errorf("%s: event %d is %v", who, e.Seq(), e.Value)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s got %v, want %v", who, got, want)
	}
	return all
}

// gaps closes the bus, so that all notices have been told, and returns the gaps among them.
func gaps(t *testing.T, b *bus.Bus, notices <-chan bus.Notice) (all []string) {
	t.Helper()
	if s := b.Stats(); s.Transport.Dropped+s.BadEnvelopes > 0 {
		t.Errorf("%+v", s)
	}
	_ = b.Close()
	<-b.Done()
	for len(notices) > 0 {
		if gap, ok := (<-notices).(bus.Gap); ok {
			all = append(all, fmt.Sprint(gap.From, "-", gap.To))
		}
	}
	return all
}

// sendOrders publishes orders of customers, numbered from first.
func sendOrders(t *testing.T, pub *publisher.Publisher[order], first int, customers ...string) {
	t.Helper()
	for i, customer := range customers {
		send(t, pub, order{ID: first + i, Customer: customer})
	}
}

// Contract, sentence 13: a bus that comes late gets the last event, or the last of each key, as it was published, before those that are published
// when it is ready, and misses nothing.
func TestBusRetains(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options publisher.Options
		late    []int
	}{
		"none":      {publisher.Options{}, []int{5, 6}},
		"last":      {publisher.Options{Retain: publisher.RetainLast}, []int{4, 5, 6}},
		"keys":      {publisher.Options{Retain: publisher.RetainKeys}, []int{2, 3, 4, 5, 6}},
		"two keys":  {publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: 2}, []int{3, 4, 5, 6}},
		"of remote": {publisher.Options{Retain: publisher.RetainLast, Remote: true}, []int{4, 5, 6}},
		"of local":  {publisher.Options{Retain: publisher.RetainLast, Local: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overEach(t, func(t *testing.T, endpoint string) {
				here, tr := join(t, &zmq.Options{Publish: zmq.Bind(endpoint)})
				pub := newPublisher(t, here, orders, &tc.options)
				first, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
				sub, early := collect(t, first, orders)
				awaitReady(t, sub)
				sendOrders(t, pub, 1, "ann", "bob", "cid", "ann")
				late, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
				told := notices(late)
				sub, events := collect(t, late, topic.NewPrefix[order]("orders."))
				awaitReady(t, sub)
				sendOrders(t, pub, 5, "bob", "cid")
				if tc.options.Local {
					send(t, newPublisher(t, here, orders, nil), order{ID: 1})
					received(t, "late", events, 1)
					return
				}
				all := received(t, "early", early, 1, 2, 3, 4, 5, 6)
				for i, e := range received(t, "late", events, tc.late...) {
					if was := all[tc.late[i]-1]; e.ID() != was.ID() || !e.Time().Equal(was.Time()) || e.Key() != was.Key() || e.Source() != here.Source() {
						t.Errorf("%v with ID %s of %v, was %s of %v", e, e.ID(), e.Time(), was.ID(), was.Time())
					}
				}
				if s := late.Stats(); s.Duplicate+s.Lost > 0 || s.Received != uint64(len(tc.late)) {
					t.Errorf("%+v", s)
				}
				if got := gaps(t, late, told); got != nil {
					t.Errorf("gaps %v", got)
				}
			})
		})
	}
}

// Each subscription of a bus gets what is retained once, whether its prefix is known there, wider or narrower, and the others do not get it again.
func TestBusRetainsForEachSubscription(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		here, tr := join(t, &zmq.Options{Publish: zmq.Bind(endpoint)})
		pub := newPublisher(t, here, orders, &publisher.Options{Retain: publisher.RetainKeys})
		sendOrders(t, pub, 1, "ann", "bob")
		there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
		told := notices(there)
		var all []<-chan topic.Event[order]
		for _, sel := range []topic.Selector[order]{orders, orders, topic.NewPrefix[order]("orders."), topic.NewPrefix[order](""), topic.NewPattern[order]("*.created")} {
			sub, events := collect(t, there, sel)
			awaitReady(t, sub)
			all = append(all, events)
		}
		sendOrders(t, pub, 3, "ann")
		for i, events := range all {
			got := []uint64{next(t, events).Seq(), next(t, events).Seq()}
			if slices.Sort(got); !slices.Equal(got, []uint64{1, 2}) { // 2 comes first to who came while another was sent both
				t.Errorf("subscription %d got %v of those that are retained", i, got)
			}
			received(t, fmt.Sprint("subscription ", i), events, 3)
		}
		if got := gaps(t, there, told); got != nil {
			t.Errorf("gaps %v", got)
		}
		for i, events := range all {
			if len(events) > 0 {
				t.Errorf("subscription %d got more: %v", i, <-events)
			}
		}
	})
}

// After a reconnect what is retained is sent again. It tells what was lost, and that nothing was.
func TestBusRetainsOverReconnects(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile []string // whose orders are published while there is no connection
		want      []int
		gaps      []string
	}{
		"nothing published": {nil, []int{1, 2, 3}, nil},
		"nothing lost":      {[]string{"ann", "cid"}, []int{1, 2, 3, 4, 5}, nil},
		"replaced":          {[]string{"ann", "ann", "cid", "ann"}, []int{1, 2, 5, 6, 7}, []string{"3-4"}},
		"between":           {[]string{"cid", "ann", "bob", "ann"}, []int{1, 2, 3, 5, 6, 7}, []string{"4-4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, tr := join(t, &zmq.Options{Publish: zmq.Bind(anyPort)})
			pub := newPublisher(t, here, orders, &publisher.Options{Retain: publisher.RetainKeys})
			way := network.NewLink(t, tr.Bound().Publish[0])
			there, _ := join(t, &zmq.Options{Subscribe: zmq.Connect(way.Endpoint()), ReconnectInterval: time.Millisecond, ReconnectMax: 10 * time.Millisecond})
			atHome, told := notices(here), notices(there)
			sub, events := collect(t, there, orders)
			awaitReady(t, sub)
			sendOrders(t, pub, 1, "ann", "bob")
			received(t, "before", events, 1, 2)
			way.Reset()
			notice[bus.PeerDown](t, atHome)
			sendOrders(t, pub, 3, tc.meanwhile...)
			way.Heal()
			if err := pub.WaitSubscribers(patient(t), 1); err != nil {
				t.Fatal(err)
			}
			sendOrders(t, pub, 3+len(tc.meanwhile), "bob")
			received(t, "afterwards", events, tc.want[2:]...)
			if got := gaps(t, there, told); !slices.Equal(got, tc.gaps) {
				t.Errorf("gaps %v, want %v", got, tc.gaps)
			}
		})
	}
}
