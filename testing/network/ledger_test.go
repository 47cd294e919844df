package network_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
)

// ledger is what a subscriber knows of each event of one source, by topic.
type ledger struct {
	changed change.Signal

	mu      sync.Mutex
	handled map[string][]uint64
	missing map[string][]uint64 // by Gap notices
	pulses  int
	downs   int // connections lost
}

// keep subscribes a ledger to everything.
func keep(t *testing.T, b *bus.Bus) (*ledger, *subscriber.Subscription) {
	t.Helper()
	l := &ledger{handled: map[string][]uint64{}, missing: map[string][]uint64{}}
	b.Notices(func(n bus.Notice) {
		switch n := n.(type) {
		case bus.Gap:
			l.miss(n.Topic, n.From, n.To)
		case bus.PeerDown:
			l.note(func() { l.downs++ })
		}
	})
	sub, err := subscriber.New(b, all, func(_ context.Context, e topic.Event[[]byte]) error {
		l.handle(e.Topic(), e.Seq())
		return nil
	}, &subscriber.Options{Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	return l, sub
}

func (l *ledger) note(what func()) {
	l.mu.Lock()
	what()
	l.mu.Unlock()
	l.changed.Tell()
}

func (l *ledger) handle(topic string, seq uint64) {
	l.note(func() {
		if topic == pulse {
			l.pulses++
			return
		}
		l.handled[topic] = append(l.handled[topic], seq)
	})
}

func (l *ledger) miss(topic string, from, to uint64) {
	l.note(func() {
		for seq := from; seq <= to; seq++ {
			l.missing[topic] = append(l.missing[topic], seq)
		}
	})
}

// last returns the newest event handled on each of the topics of a publisher.
func (l *ledger) last(topics int) []uint64 {
	seqs := make([]uint64, topics)
	for i := range seqs {
		if handled := l.handled[fmt.Sprint("network.", i)]; len(handled) > 0 {
			seqs[i] = handled[len(handled)-1]
		}
	}
	return seqs
}

// await waits until holds, which is called with the lock.
func (l *ledger) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx := interop.Patient(t)
	for {
		changed := l.changed.Next()
		l.mu.Lock()
		ok := holds()
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// awaitBeyond waits until events beyond those of past have been handled on every topic.
func (l *ledger) awaitBeyond(t *testing.T, past []uint64) {
	t.Helper()
	l.await(t, fmt.Sprintf("events beyond %d", past), func() bool {
		for i, seq := range l.last(len(past)) {
			if seq <= past[i] {
				return false
			}
		}
		return true
	})
}

// problems compares what is known with how many events were published to each topic, a line for each difference: every one is handled
// or missing, not both, and none is handled twice or out of order.
func (l *ledger) problems(published []uint64) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, n := range published {
		topic := fmt.Sprint("network.", i)
		handled, missing := l.handled[topic], l.missing[topic]
		for k := 1; k < len(handled); k++ {
			if handled[k] <= handled[k-1] {
				found = append(found, fmt.Sprintf("%s: %d was handled after %d", topic, handled[k], handled[k-1]))
			}
		}
		known := slices.Concat(handled, missing)
		slices.Sort(known)
		for k := 1; k < len(known); k++ {
			if known[k] == known[k-1] {
				found = append(found, fmt.Sprintf("%s: %d is known twice", topic, known[k]))
			}
		}
		known = slices.Compact(known)
		want := uint64(1)
		for _, seq := range known {
			for ; want < seq; want++ {
				found = append(found, fmt.Sprintf("%s: nothing is known of %d", topic, want))
			}
			want = seq + 1
		}
		if want != n+1 {
			found = append(found, fmt.Sprintf("%s: %d were published, the last one known is %d", topic, n, want-1))
		}
	}
	return found
}

func (l *ledger) lostConnections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.downs
}

// lost returns how many events are missing.
func (l *ledger) lost() (n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, missing := range l.missing {
		n += uint64(len(missing))
	}
	return n
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handled, missing []uint64
		want             string
	}{
		"complete":   {[]uint64{1, 2, 5}, []uint64{3, 4}, ""},
		"unknown":    {[]uint64{1, 2, 5}, []uint64{4}, "network.0: nothing is known of 3"},
		"first":      {[]uint64{2, 3, 4, 5}, nil, "network.0: nothing is known of 1"},
		"too few":    {[]uint64{1, 2}, []uint64{3, 4}, "network.0: 5 were published, the last one known is 4"},
		"too many":   {[]uint64{1, 2, 5, 6}, []uint64{3, 4}, "network.0: 5 were published, the last one known is 6"},
		"both":       {[]uint64{1, 2, 3, 5}, []uint64{3, 4}, "network.0: 3 is known twice"},
		"twice":      {[]uint64{1, 2, 2, 5}, []uint64{3, 4}, "network.0: 2 was handled after 2|network.0: 2 is known twice"},
		"descending": {[]uint64{2, 1, 5}, []uint64{3, 4}, "network.0: 1 was handled after 2"},
		"none":       {nil, nil, "network.0: 5 were published, the last one known is 0"},
	} {
		l := &ledger{handled: map[string][]uint64{"network.0": tc.handled}, missing: map[string][]uint64{"network.0": tc.missing}}
		if got := strings.Join(l.problems([]uint64{5}), "|"); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
