package bus

import (
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxTracked is how many pairs of source and topic are remembered.
const maxTracked = 65536

// tracker remembers where each source is in each topic.
type tracker struct {
	mu     sync.Mutex
	pairs  *simplelru.LRU[pair, *stream]
	topics *simplelru.LRU[string, uuid.UUID] // the last source of each topic
}

// pair is a source, zero for plain peers, and a topic.
type pair struct {
	source uuid.UUID
	topic  string
}

// stream is what is remembered of a pair.
type stream struct {
	origin     *envelope.Origin
	last       uint64 // sequence; 0 before the first event, and when the base was forgotten
	known      bool   // there has been an event
	targets    *Targets
	generation uint64 // of the bus, when targets was made
}

// verdict is what the sequence of an event means.
type verdict struct {
	duplicate bool
	missing   uint64 // events between the last one and this
	newSource bool
}

func (t *tracker) init() {
	// The only error of NewLRU is a size below one.
	t.pairs, _ = simplelru.NewLRU[pair, *stream](maxTracked, nil)
	t.topics, _ = simplelru.NewLRU[string, uuid.UUID](maxTracked, nil)
}

// find returns the stream of a pair, and whether another one had to be forgotten for it. sinks makes its list of sinks.
func (t *tracker) find(source uuid.UUID, topic string, generation uint64, sinks func(topic string) []Sink) (s *stream, evicted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.pairs.Get(pair{source, topic})
	if !ok {
		topic = strings.Clone(topic) // the argument is part of a message, which it would keep in memory
		s = &stream{origin: &envelope.Origin{Topic: topic, Source: source, Remote: true}}
		evicted = t.pairs.Add(pair{source, topic}, s)
	}
	if !ok || s.generation != generation {
		s.targets, s.generation = newTargets(sinks(topic)), generation
	}
	return s, evicted
}

// judge compares the sequence of an event with the last one, and remembers it.
func (t *tracker) judge(s *stream, seq uint64) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	var v verdict
	switch {
	case s.last == 0:
		source, known := t.topics.Get(s.origin.Topic)
		v.newSource = known && !s.known && source != s.origin.Source
		t.topics.Add(s.origin.Topic, s.origin.Source)
		s.known = true
	case seq <= s.last:
		v.duplicate = true
		return v
	default:
		v.missing = seq - s.last - 1
	}
	s.last = seq
	return v
}

// forget forgets that a subscription has wanted the topics that it matches. Where nobody does any more, the next event of a pair sets
// the base anew: nobody here has listened in between.
func (t *tracker) forget(matches, wanted func(topic string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.pairs.Values() {
		if !matches(s.origin.Topic) {
			continue
		}
		s.targets, s.generation = nil, 0 // looked up again, and not kept alive
		if !wanted(s.origin.Topic) {
			s.last = 0
		}
	}
}
