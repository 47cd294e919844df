package bus_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// sum adds up what notices say of one subscription, and checks that there is one a second at most: but for the last one, that the end of the bus
// may bring.
func (c *told[N]) sum(t *testing.T, subscription string, policy bus.Overflow) (n uint64) {
	t.Helper()
	synctest.Wait()
	var before time.Time
	for i, notice := range c.all {
		d := any(notice).(bus.Dropped)
		if d.Subscription != subscription {
			continue
		}
		if d.Policy != policy || d.N == 0 {
			t.Errorf("%+v, want the policy %v", d, policy)
		}
		if apart := c.at[i].Sub(before); apart < time.Second && i < len(c.all)-2 {
			t.Errorf("two notices of %s within %v", subscription, apart)
		}
		before = c.at[i]
		n += d.N
	}
	return n
}

// Sentence 3: what a policy drops is told, at most once a second for each subscription, and in the end all of it.
func TestDroppedNotices(t *testing.T) {
	t.Parallel()
	for _, policy := range []bus.Overflow{bus.DropOldest, bus.DropNewest, bus.Latest} {
		for end, close := range map[string]func(*bus.Bus) error{
			"Close":    (*bus.Bus).Close,
			"Shutdown": func(b *bus.Bus) error { return b.Shutdown(context.Background()) },
		} {
			t.Run(policy.String()+" "+end, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := bustest.New(t, &bus.Options{SlowAfter: -1})
					bustest.AllowUndelivered(t, b)
					notices := collectNotices[bus.Dropped](b)
					one := stall(t, b, keyed, &subscriber.Options{Name: "one", Queue: 1, Overflow: policy})
					two := stall(t, b, keyed, &subscriber.Options{Name: "two", Queue: 5, Overflow: policy})
					p := newPublisher(t, b, keyed)
					for range 50 {
						publish(t, t.Context(), p, "a1", "b1", "c1", "d1", "e1", "f1", "g1")
						time.Sleep(100 * time.Millisecond) // virtual
					}
					synctest.Wait()
					if n := len(notices.all); n < 8 || n > 12 {
						t.Errorf("%d notices of two subscriptions in five seconds", n)
					}
					publish(t, t.Context(), p, "a1", "a2", "a3")
					closeStalled(one, two)
					before := one.Stats().Dropped
					if notices.sum(t, "one", policy) == before {
						t.Error("everything was told already, and nothing is left for the end")
					}
					if err := close(b); err != nil {
						t.Error(err)
					}
					<-b.Done()
					for _, s := range []*stalled{one, two} {
						name := map[*stalled]string{one: "one", two: "two"}[s]
						if n := notices.sum(t, name, policy); n != s.Stats().Dropped || n == 0 {
							t.Errorf("%s: told of %d, %+v", name, n, s.Stats())
						}
					}
				})
			})
		}
	}
}

func closeStalled(all ...*stalled) {
	for _, s := range all {
		close(s.release)
	}
}

// A subscription that is closed has its dropped events told as well, and one that drops nothing has no notice. When all is told nobody watches.
func TestDroppedNoticesOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{SlowAfter: -1})
		bustest.AllowUndelivered(t, b)
		notices := collectNotices[bus.Dropped](b)
		s := stall(t, b, keyed, &subscriber.Options{Name: "left", Queue: 2, Overflow: bus.DropNewest})
		roomy := stall(t, b, keyed, &subscriber.Options{Name: "roomy", Queue: 6, Overflow: bus.DropOldest})
		p := newPublisher(t, b, keyed)
		publish(t, t.Context(), p, "a1")
		synctest.Wait()
		publish(t, t.Context(), p, "a2", "a3", "a4", "a5", "a6")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		publish(t, t.Context(), p, "a7")
		time.Sleep(time.Minute) // virtual
		synctest.Wait()
		if want := (bus.Dropped{Subscription: "left", Policy: bus.DropNewest, N: 3}); len(notices.all) != 1 || notices.all[0] != want {
			t.Errorf("%v, want %v", notices.all, want)
		}
		if watchdogs() != 0 {
			t.Error("the watchdog has told everything and goes on")
		}
		closeStalled(s, roomy)
	})
}

// The policy that a notice names is that which has dropped events of a transport.
func TestDroppedNoticesOfATransportsEvents(t *testing.T) {
	for given, told := range map[bus.Overflow]bus.Overflow{0: bus.DropOldest, bus.Latest: bus.Latest, bus.Fail: bus.Fail, bus.DropNewest: bus.DropNewest} {
		t.Run(given.String(), func(t *testing.T) {
			remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
				bustest.AllowUndelivered(t, b)
				s := stall(t, b, keyed, &subscriber.Options{Name: "s", Queue: 1, Overflow: given})
				receiveWords(t, f, "a1", "a2", "a3", "a4")
				time.Sleep(900 * time.Millisecond) // virtual
				if all := notices(); len(all) != 1 || all[0] != (bus.Dropped{Subscription: "s", Policy: told, N: 2}) {
					t.Errorf("%v, want 2 of %v", all, told)
				}
				closeStalled(s)
			})
		})
	}
}

// What the transport drops is told too, without a subscription, on a bus that does nothing but publish as well. When it drops while nobody does
// anything it is told with what comes next, at the end at the latest.
func TestDroppedNoticesOfATransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		notices := collectNotices[bus.Dropped](b)
		p := newPublisher(t, b, numbers)
		for range 50 {
			f.set(func() { f.dropped += 3 }) // as Publish does
			publish(t, t.Context(), p, 1)
			time.Sleep(100 * time.Millisecond) // virtual
		}
		time.Sleep(2 * time.Second) // virtual
		if n := notices.sum(t, "", 0); n != 150 || len(notices.all) < 4 || len(notices.all) > 6 {
			t.Errorf("told of %d, want 150: %v", n, notices.all)
		}
		if watchdogs() != 0 {
			t.Error("the watchdog has told everything and goes on")
		}
		f.set(func() { f.dropped += 7 })
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		<-b.Done()
		if n := notices.sum(t, "", 0); n != 157 {
			t.Errorf("told of %d in the end", n)
		}
	})
}

// A transport that drops nothing is no notice.
func TestNothingDropped(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, _ *fakeTransport, notices func() []bus.Notice) {
		bustest.Record(t, b, numbers)
		publish(t, t.Context(), newPublisher(t, b, numbers), 1, 2, 3)
		time.Sleep(10 * time.Second) // virtual
		if err := b.Shutdown(within(t, time.Second)); err != nil {
			t.Fatal(err)
		}
		<-b.Done()
		if all := notices(); len(all) > 0 || watchdogs() != 0 {
			t.Errorf("%v", all)
		}
	})
}
