package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func TestPrefixesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil, "a", "b.", "b.long.one")
		var want []string
		for i := range 300 {
			publish(t, pub, message("a1", fmt.Sprint(i)), message("c", "unwanted"), message("b", "unwanted"), message("b.longer", fmt.Sprint(i)))
			want = append(want, fmt.Sprintf("a1 %d", i), fmt.Sprintf("b.longer %d", i))
		}
		if got := received(t, sub); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if got := received(t, pub); got != nil {
			t.Errorf("the publisher hears itself: %q", got)
		}
	})
}

// Each with each, both ways, at once.
func TestEachIsAPeerOfEveryOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		for _, tr := range all {
			subscribe(t, tr, "")
		}
		for i, tr := range all {
			if p, s := tr.Publishers(), tr.Subscribers("any"); p != 2 || s != 2 || len(tr.Pending()) != 0 {
				t.Errorf("%d publishers, %d subscribers, pending %q", p, s, tr.Pending())
			}
			publish(t, tr, message("from", fmt.Sprint(i)))
		}
		for i, tr := range all {
			got := received(t, tr)
			slices.Sort(got)
			want := slices.Delete([]string{"from 0", "from 1", "from 2"}, i, i+1)
			if !slices.Equal(got, want) {
				t.Errorf("%d got %q", i, got)
			}
		}
	})
}

// A peer that comes later has what was subscribed to before.
func TestSubscriptionsHoldForPeersToCome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		sub := joinTo(t, network)
		subscribe(t, sub, "a")
		changed := sub.Changed()
		late := joinTo(t, network)
		if !closed(changed) || sub.Publishers() != 1 || late.Subscribers("abc") != 1 || late.Subscribers("b") != 0 {
			t.Errorf("changed %t, %d publishers, %d subscribers", closed(changed), sub.Publishers(), late.Subscribers("abc"))
		}
		publish(t, late, message("a", "1"))
		if got := received(t, sub); !slices.Equal(got, []string{"a 1"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestSubscriptionsAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil, "a", "a", "b")
		for _, subscribers := range []int{1, 0, 0} {
			changed, before := pub.Changed(), pub.Subscribers("a")
			unsubscribe(t, sub, "a")
			if n := pub.Subscribers("a"); n != subscribers || closed(changed) != (n != before) {
				t.Errorf("%d subscribers, want %d; changed %t", n, subscribers, closed(changed))
			}
		}
		publish(t, pub, message("a", "unwanted"), message("b", "wanted"))
		if got := received(t, sub); !slices.Equal(got, []string{"b wanted"}) {
			t.Errorf("got %q", got)
		}
	})
}

// A message is the caller's again when Publish returns, and that of each receiver is its own.
func TestMessagesAreCopies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, owned := range []bool{false, true} {
			all := join(t, 3, nil)
			subscribe(t, all[1], "")
			subscribe(t, all[2], "")
			m := numbered("t", 1, "one", "", "two")
			m.Owned = owned
			want := slices.Clone(m.Envelope)
			publish(t, all[0], m)
			clear(m.Envelope)
			clear(m.Payload[0])
			m.Payload[2] = nil
			for _, tr := range all[1:] {
				got := drain(t, tr)[0]
				if got.Topic != "t" || !slices.Equal(got.Envelope, want) || text(got) != "one||two" || got.Plain || got.Owned || got.Bare {
					t.Errorf("owned %t: got %+v", owned, got)
				}
				_ = append(got.Envelope, 0)
				if text(got) != "one||two" {
					t.Error("what is appended to the envelope overwrites the payload")
				}
				clear(got.Envelope)
				clear(got.Payload[0])
			}
		}
	})
}

func TestPlainLosesTheEnvelope(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil, "")
		plain := numbered("t", 1, "x")
		plain.Plain = true
		publish(t, pub, plain, message("t", "x"), numbered("t", 2, "x"))
		for i, m := range drain(t, sub) {
			if (m.Envelope != nil) != (i == 2) || m.Plain || m.Topic != "t" || text(m) != "x" {
				t.Errorf("%d: %+v", i, m)
			}
		}
	})
}

// The queue of a peer is bounded for each sender: the newest are dropped and counted, and Publish never waits.
func TestDropsAreCounted(t *testing.T) {
	for _, tc := range []struct{ option, hwm int }{{0, 1000}, {10, 10}, {1, 1}, {-1, 5000}} {
		t.Run(fmt.Sprint(tc.option), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				const messages = 5000
				all := join(t, 3, &memory.Options{HWM: tc.option})
				sub := all[2]
				subscribe(t, sub, "")
				for i := range messages { // nobody receives
					publish(t, all[0], message("first", fmt.Sprint(i)))
				}
				publish(t, all[1], message("second", "has room"))
				want := transport.Stats{Sent: uint64(tc.hwm), Dropped: uint64(messages - tc.hwm)}
				if s := all[0].Stats(); s != want {
					t.Errorf("%+v, want %+v", s, want)
				}
				next := 0
				for _, m := range drain(t, sub) {
					if m.Topic == "second" {
						continue
					}
					if text(m) != fmt.Sprint(next) {
						t.Fatalf("%s instead of %d", text(m), next)
					}
					next++
				}
				if s := sub.Stats(); next != tc.hwm || s.Received != uint64(tc.hwm+1) {
					t.Errorf("%d of the first; %+v", next, s)
				}
				publish(t, all[0], message("first", "room again"))
				if got := received(t, sub); len(got) != 1 {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// Receive takes turns: a sender with much to say does not keep others from being heard.
func TestReceiveTakesTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		subscribe(t, all[2], "")
		for range 500 {
			publish(t, all[0], message("much", "x"))
		}
		publish(t, all[1], message("little", "x"))
		into := make([]transport.Message, 100)
		n, err := all[2].Receive(t.Context(), into)
		if err != nil || n != 100 || !slices.ContainsFunc(into, func(m transport.Message) bool { return m.Topic == "little" }) {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestReceiveWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil, "")
		ctx, cancel := context.WithCancel(t.Context())
		into, got := make([]transport.Message, 2), make(chan error)
		receive := func(want int) {
			n, err := sub.Receive(ctx, into)
			if err == nil && n != want {
				err = fmt.Errorf("%d messages", n)
			}
			got <- err
		}
		go receive(1)
		synctest.Wait()
		publish(t, pub, message("a", "1"))
		if err := <-got; err != nil {
			t.Error(err)
		}
		go receive(0)
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		publish(t, pub, message("a", "2"))
		if n, err := sub.Receive(ctx, into); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := sub.Receive(t.Context(), nil); n != 0 || err != nil {
			t.Errorf("into nothing: %d, %v", n, err)
		}
		if n, err := sub.Receive(t.Context(), into); n != 1 || err != nil || text(into[0]) != "2" {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(&memory.Options{HWM: -1})
		sub, pub := joinTo(t, network), joinTo(t, network)
		subscribe(t, sub, "")
		const publishers, each = 4, 200
		var all sync.WaitGroup
		for p := range publishers {
			all.Go(func() {
				for i := range each {
					publish(t, pub, message(fmt.Sprint(p), fmt.Sprint(i)))
				}
			})
		}
		for range 2 { // peers come and go meanwhile
			all.Go(func() {
				for range each {
					other := network.Join()
					subscribe(t, other, "0")
					publish(t, other, message("other", "x"))
					unsubscribe(t, other, "0")
					_ = other.Close()
				}
			})
		}
		all.Wait()
		next := map[string]int{}
		for _, m := range drain(t, sub) {
			if m.Topic != "other" && text(m) != fmt.Sprint(next[m.Topic]) {
				t.Fatalf("%s came after %d of %s", text(m), next[m.Topic], m.Topic)
			}
			next[m.Topic]++
		}
		if next["other"] != 2*each || next["3"] != each {
			t.Errorf("got %v", next)
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, nil, "")
	for want, m := range map[string]*transport.Message{
		"memory: length of topic is 256, allowed is 255 bytes or less":           message(strings.Repeat("t", 256), "x"),
		"memory: number of payload parts is 0, allowed is 1 or more":             message("t"),
		"memory: number of payload parts is 1023, allowed is 1022 or less":       message("t", make([]string, 1023)...),
		"memory: size of message is 67108865, allowed is 67108864 bytes or less": {Topic: "t", Payload: [][]byte{make([]byte, 64<<20)}},
	} {
		var limit *memory.LimitError
		if err := pub.Publish(m); !errors.As(err, &limit) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := sub.Subscribe(strings.Repeat("t", 256)); err == nil || err.Error() != "memory: length of prefix is 256, allowed is 255 bytes or less" {
		t.Error(err)
	}
	if s := pub.Stats(); s != (transport.Stats{}) {
		t.Errorf("%+v", s)
	}
	publish(t, pub, message(strings.Repeat("t", 255), make([]string, 1022)...))
	if s := pub.Stats(); s.Sent != 1 {
		t.Errorf("%+v", s)
	}
}
