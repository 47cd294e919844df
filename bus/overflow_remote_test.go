package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// receiveWords makes the bus receive strings, those that begin with "+" on another topic than the others. Each is taken before the next one comes.
func receiveWords(t *testing.T, f *fakeTransport, words ...string) {
	t.Helper()
	seqs := map[string]uint64{}
	for _, word := range words {
		on := keyed.String()
		if word[0] == '+' {
			on, word = otherKeyed.String(), word[1:]
		}
		payload, err := json.Marshal(word)
		if err != nil {
			t.Fatal(err)
		}
		seqs[on]++
		f.incoming <- remoteMessage(alpha, seqs[on], on, keyOf(word), string(payload))
		synctest.Wait()
	}
}

// Sentence 3: for events from a transport the policies that drop are the same, and Fail drops what DropNewest does. The transport is read on.
func TestLossyPoliciesOfATransport(t *testing.T) {
	t.Parallel()
	cases := map[string]subscriber.Options{"DropNewest as Fail": {Queue: 2, Overflow: bus.Fail}, "DropOldest as the default": {Queue: 2}}
	for name, tc := range lossy {
		cases[name] = tc.options
	}
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc, known := lossy[name]
			if !known {
				tc = lossy[name[:len("DropNewest")]]
			}
			synctest.Test(t, func(t *testing.T) {
				f := newFakeTransport()
				b := bustest.New(t, &bus.Options{Transport: f})
				bustest.AllowUndelivered(t, b)
				s := stall(t, b, topic.NewPrefix[string]("keyed"), &o)
				receiveWords(t, f, tc.published...)
				s.expect(t, tc.dropped, tc.want...)
				if stats := b.Stats(); stats.Received != uint64(len(tc.published)) || len(f.incoming) > 0 {
					t.Errorf("%+v", stats)
				}
			})
		})
	}
}

// Sentence 3: with BlockTimeout, Block holds the transport for that long at each event, which is dropped then. Others get it all the same.
func TestBlockTimeoutOfATransport(t *testing.T) {
	for name, o := range map[string]subscriber.Options{
		"named": {Overflow: bus.Block}, "two workers": {Overflow: bus.Block, Workers: 2}, "group": {Overflow: bus.Block, Group: "g", LocalGroup: true},
	} {
		t.Run(name, func(t *testing.T) {
			remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
				bustest.AllowUndelivered(t, b)
				o.Queue, o.BlockTimeout = 1, 2*time.Second
				s := stall(t, b, keyed, &o)
				r := bustest.Record(t, b, keyed)
				begin := time.Now()
				receiveWords(t, f, "a1", "a2", "a3", "a4", "a5")
				if got := s.Stats(); got.Dropped != 0 || len(f.incoming) != 2 {
					t.Errorf("%+v with %d unread, want the third to wait", got, len(f.incoming))
				}
				if r.Wait(5); time.Since(begin) > 6*time.Second || time.Since(begin) < 4*time.Second {
					t.Errorf("the last one came after %v", time.Since(begin))
				}
				time.Sleep(2 * time.Second) // virtual: nothing waits any more
				s.expect(t, 3, "a1", "a2")
				if !slices.ContainsFunc(notices(), func(n bus.Notice) bool {
					d, ok := n.(bus.Dropped)
					return ok && d.Policy == bus.Block
				}) {
					t.Errorf("notices %v", notices())
				}
				f.incoming <- remoteMessage(alpha, 6, "keyed", "a", `"a6"`)
				synctest.Wait()
				if last := s.got[len(s.got)-1]; last != "a6" || b.Stats().Duplicate+b.Stats().Lost > 0 {
					t.Errorf("after that came %s; %+v", last, b.Stats())
				}
			})
		})
	}
}

// Sentence 3: a subscription without BlockTimeout named drops what comes from a transport by its default, whatever the timeout for publishers.
func TestBlockTimeoutWithDefaultOverflow(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		s := stall(t, b, keyed, &subscriber.Options{Name: "slow", Queue: 2, BlockTimeout: 2 * time.Second})
		receiveWords(t, f, "x1", "a1")
		p := newPublisher(t, b, keyed)
		publish(t, t.Context(), p, "local")
		isFull(t, p.Publish(t.Context(), "refused"), "slow", 2*time.Second)
		f.incoming <- remoteMessage(alpha, 3, "keyed", "a", `"a2"`)
		f.incoming <- remoteMessage(alpha, 4, "keyed", "a", `"a3"`)
		s.expect(t, 2, "x1", "local", "a3")
	})
}

// Sentence 3: nothing that was published under Block is dropped for an event from the transport: that is dropped itself.
func TestNothingUnderBlockIsDroppedForATransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		s := stall(t, b, keyed, &subscriber.Options{Queue: 2})
		publish(t, t.Context(), newPublisher(t, b, keyed), "l1")
		synctest.Wait()
		publish(t, t.Context(), newPublisher(t, b, keyed), "l2", "l3")
		receiveWords(t, f, "a1", "a2")
		s.expect(t, 2, "l1", "l2", "l3")
	})
}

// TestClosingCountsWhatWaitsForRoom closes a bus while an event of the transport waits for a queue under Block.
func TestClosingCountsWhatWaitsForRoom(t *testing.T) {
	t.Parallel()
	for i := range 20 { // the end of the bus and the end of the subscription come together, and either may be seen first
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
				bustest.AllowUndelivered(t, b)
				s := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
					<-ctx.Done()
					return nil
				}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
				for seq := range uint64(3) {
					f.receive(alpha, seq+1, "numbers", "1")
					synctest.Wait()
				}
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				<-b.Done()
				if received, stats := b.Stats(), s.Stats(); received.Received != 3 || stats.Matched != 2 || received.Abandoned != 1 {
					t.Errorf("%+v of the subscription, %+v of the bus", stats, received)
				}
			})
		})
	}
}

// TestShutdownWaitsForRoom shuts a bus down while an event of the transport waits for a queue under Block. In the bubble time passes only
// because nobody spins.
func TestShutdownWaitsForRoom(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		s := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			time.Sleep(time.Second)
			return nil
		}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
		for seq := range uint64(3) {
			f.receive(alpha, seq+1, "numbers", "1")
			synctest.Wait()
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if received, stats := b.Stats(), s.Stats(); received.Received != 3 || stats.Succeeded != 3 || received.Abandoned != 0 {
			t.Errorf("%+v of the subscription, %+v of the bus", stats, received)
		}
	})
}
