package memory

import (
	"cmp"
	"container/list"
	"slices"
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// PublishRetained is Publish, and keeps a copy of m for peers that subscribe later, with the flag of a retained event in its envelope: of
// each key of m.Topic the last, of at most limit keys. Messages that m.Plain leaves without an envelope, and those that have none, are
// published and not kept.
//
// The error is one of Publish, a [*LimitError] for a limit below 1, or for an envelope that is none: fewer than 38 bytes, or another magic.
// Then nobody has m, and what was kept before still is.
func (t *Transport) PublishRetained(m *transport.Message, key string, limit int) error {
	if err := t.check(m); err != nil {
		return err
	}
	switch {
	case limit < 1:
		return &LimitError{Field: "number of retained keys", Value: limit, Limit: "1 or more"}
	case !enveloped(m):
		t.publish(m)
		return nil
	case !envelope.Is(m.Envelope):
		return &LimitError{Field: "envelope", Value: len(m.Envelope), Limit: "38 bytes or more that begin with the magic"}
	}
	kept := event(m)
	envelope.MarkRetained(kept.Envelope)
	t.retained.mu.Lock()
	defer t.retained.mu.Unlock()
	t.publish(m)
	t.counts.evicted.Add(t.retained.keep(kept, key, limit))
	return nil
}

// retention is what a transport keeps for peers that subscribe later. Its lock comes before that of an inbox: who holds it sees no
// subscription being made.
type retention struct {
	mu     sync.Mutex
	topics map[string]*shelf
	kept   uint64 // messages so far
}

// shelf is what is kept of one topic.
type shelf struct {
	keys  map[string]*list.Element
	order list.List // of *retainedMessage, the one published least recently first
}

type retainedMessage struct {
	message transport.Message
	key     string
	nth     uint64 // of all that were ever kept
}

// keep keeps m, and returns how many others have to go. The caller holds the lock.
func (r *retention) keep(m transport.Message, key string, limit int) (evicted uint64) {
	if r.topics == nil {
		r.topics = map[string]*shelf{}
	}
	s := r.topics[m.Topic]
	if s == nil {
		s = &shelf{keys: map[string]*list.Element{}}
		r.topics[m.Topic] = s
	}
	r.kept++
	kept := &retainedMessage{m, strings.Clone(key), r.kept}
	if place := s.keys[key]; place != nil {
		place.Value = kept
		s.order.MoveToBack(place)
	} else {
		s.keys[kept.key] = s.order.PushBack(kept)
	}
	for ; s.order.Len() > limit; evicted++ {
		oldest := s.order.Remove(s.order.Front()).(*retainedMessage)
		delete(s.keys, oldest.key)
	}
	return evicted
}

// selected returns what is kept of topics that begin with prefix, in the order in which it was published. The caller holds the lock.
func (r *retention) selected(prefix string) (all []*retainedMessage) {
	for topic, s := range r.topics {
		if !strings.HasPrefix(topic, prefix) {
			continue
		}
		for e := s.order.Front(); e != nil; e = e.Next() {
			all = append(all, e.Value.(*retainedMessage))
		}
	}
	slices.SortFunc(all, func(a, b *retainedMessage) int { return cmp.Compare(a.nth, b.nth) })
	return all
}

// add adds a subscription, and has all peers send what they keep. It reports whether the prefix is new. While it holds the locks of what is
// kept, nobody publishes anything that is; while it holds that of the inbox, nothing else comes before it. The caller holds the lock of
// the network, without which nobody may hold several of these locks.
func (t *Transport) add(prefix string) bool {
	for _, l := range t.incoming {
		l.from.retained.mu.Lock()
		defer l.from.retained.mu.Unlock()
	}
	b := &t.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	more, changed := b.subscribed.Load().add(prefix)
	b.subscribed.Store(&more)
	for _, l := range t.incoming {
		all := l.from.retained.selected(prefix)
		for _, kept := range all {
			b.push(l, event(&kept.message))
		}
		l.from.counts.sent.Add(uint64(len(all)))
	}
	return changed
}
