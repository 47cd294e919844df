package fault

import (
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// missed are the events that were published by transports with faults while another one was cut off. It decides at the time of publishing,
// so that what is lost does not depend on when the receiver gets around to reading.
type missed struct {
	mu     sync.Mutex
	ranges map[missedTopic][]missedRange
}

type missedTopic struct {
	source uuid.UUID
	topic  string
}

type missedRange struct{ first, last uint64 }

func (m *missed) add(source uuid.UUID, topic string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ranges == nil {
		m.ranges = map[missedTopic][]missedRange{}
	}
	key := missedTopic{source, topic}
	all := m.ranges[key]
	if last := len(all) - 1; last >= 0 && all[last].last+1 == seq {
		all[last].last = seq
		return
	}
	m.ranges[key] = append(all, missedRange{seq, seq})
}

// remove takes the last event back: it was not published after all, and its number goes to another one.
func (m *missed) remove(source uuid.UUID, topic string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.ranges[missedTopic{source, topic}]
	if last := len(all) - 1; last >= 0 && all[last].last == seq {
		all[last].last--
	}
}

// has reports whether an event is among them.
func (m *missed) has(source uuid.UUID, topic string, seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.ranges[missedTopic{source, topic}], func(r missedRange) bool { return r.first <= seq && seq <= r.last })
}

// publish has a transport publish m, which those miss who are cut off now.
func (f *Injector) publish(t *wrapped, m *transport.Message, publish func() error) error {
	f.leaves(t, m)
	h, err := envelope.Parse(m.Envelope)
	if err != nil || f.cuts.Load() == 0 {
		return publish()
	}
	var cut []*wrapped
	for _, other := range f.all() {
		if other != t && other.cut.Load() {
			cut = append(cut, other)
			other.missed.add(h.Source, m.Topic, h.Seq) // before it can arrive
		}
	}
	if err := publish(); err != nil {
		for _, other := range cut {
			other.missed.remove(h.Source, m.Topic, h.Seq)
		}
		return err
	}
	return nil
}
