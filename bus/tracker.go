package bus

import (
	"slices"
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
	retained   bool   // all events since the base were retained ones, between which holes mean nothing
	known      bool   // there has been an event
	targets    *Targets
	generation uint64      // of the bus, when targets was made
	late       []latecomer // in the order in which they came
}

// maxLate is how many latecomers of one pair may still get retained events. More at once find those that came first forgotten.
const maxLate = 16

// latecomer is a lane or an inline subscription that came when the pair had events already.
type latecomer struct {
	target any
	since  uint64 // the last event before it; 0 while the stream has none
	// The retained ones that it was given, which come in order each time: from first to last, and when the first time was not from the beginning,
	// because others were just sent them again, those before first, up to early.
	first, last, early uint64
}

// take reports whether a retained event is one that it was not given yet, and notes that it is now.
func (l *latecomer) take(seq uint64) bool {
	switch {
	case seq > l.since:
		return false
	case l.first == 0:
		l.first, l.last = seq, seq
	case seq > l.last:
		l.last = seq
	case seq < l.first && seq > l.early:
		l.early = seq
	default:
		return false
	}
	return true
}

// verdict is what the sequence of an event means.
type verdict struct {
	duplicate bool
	late      *Targets // of a duplicate that is retained: those who have not had it
	missing   uint64   // events between the last one and this
	newSource bool
}

func (t *tracker) init() {
	// The only error of NewLRU is a size below one.
	t.pairs, _ = simplelru.NewLRU[pair, *stream](maxTracked, nil)
	t.topics, _ = simplelru.NewLRU[string, uuid.UUID](maxTracked, nil)
}

// find returns the stream of a pair, its targets at this moment, and whether another one had to be forgotten for it. sinks makes its list of sinks.
func (t *tracker) find(source uuid.UUID, topic string, generation uint64, sinks func(topic string) []Sink) (s *stream, targets *Targets, evicted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.pairs.Get(pair{source, topic})
	if !ok {
		topic = strings.Clone(topic) // the argument is part of a message, which it would keep in memory
		s = &stream{origin: &envelope.Origin{Topic: topic, Source: source, Remote: true}}
		evicted = t.pairs.Add(pair{source, topic}, s)
	}
	if !ok || s.generation != generation {
		s.retarget(newTargets(sinks(topic)))
		s.generation = generation
	}
	return s, s.targets, evicted
}

// retarget gives the stream other targets, and remembers which of them are new: all are known to one that has just been made.
func (s *stream) retarget(targets *Targets) {
	before, fresh := s.targets.all(), s.targets == nil
	s.targets = targets
	now := targets.all()
	s.late = slices.DeleteFunc(s.late, func(l latecomer) bool { return !slices.Contains(now, l.target) })
	for _, target := range now {
		if !fresh && !slices.Contains(before, target) {
			s.late = append(s.late, latecomer{target: target, since: s.last})
		}
	}
	if more := len(s.late) - maxLate; more > 0 {
		s.late = slices.Delete(s.late, 0, more)
	}
}

// rebase makes seq the last event of a stream that had none. When it is none that is retained, it was under way when latecomers came, and what is
// for them may be behind it.
func (s *stream) rebase(seq uint64) {
	for i := range s.late {
		s.late[i].since = seq - 1
	}
}

// missed returns the latecomers that have not had a retained event yet: it was published before they came.
func (s *stream) missed(seq uint64) *Targets {
	missed := &Targets{}
	for i := range s.late {
		l := &s.late[i]
		if !l.take(seq) {
			continue
		}
		switch target := l.target.(type) {
		case Lane:
			missed.Lanes = append(missed.Lanes, target)
		case Inline:
			missed.Inlines = append(missed.Inlines, target)
		}
	}
	return missed
}

// judge compares the sequence of an event with the last one, and remembers it.
func (t *tracker) judge(s *stream, seq uint64, retained bool) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	var v verdict
	switch {
	case s.last == 0:
		source, known := t.topics.Get(s.origin.Topic)
		v.newSource = known && !s.known && source != s.origin.Source
		t.topics.Add(s.origin.Topic, s.origin.Source)
		s.known, s.retained = true, true
		s.rebase(seq)
	case seq <= s.last:
		v.duplicate = true
		if retained {
			v.late = s.missed(seq)
		}
		return v
	case !retained || !s.retained:
		v.missing = seq - s.last - 1
	}
	s.last, s.retained = seq, s.retained && retained
	return v
}

// forget forgets that a subscription has wanted the topics that it matches. Where nobody does any more, the next event of a pair sets
// the base anew: nobody here has listened in between.
func (t *tracker) forget(matches func(topic string) bool, sinks func(topic string) []Sink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.pairs.Values() {
		if !matches(s.origin.Topic) {
			continue
		}
		wanted := sinks(s.origin.Topic)
		if len(wanted) == 0 {
			s.last = 0
		}
		s.retarget(newTargets(wanted)) // the subscription is not kept alive
	}
}
