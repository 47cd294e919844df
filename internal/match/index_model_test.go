package match_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/match"
)

// indexModel does to a list what is done to an index, and compares.
type indexModel struct {
	t    *testing.T
	x    *match.Index[int]
	list []indexEntry
}

type indexEntry struct {
	selector match.Selector
	value    int
}

func (m *indexModel) add(s match.Selector, v int) {
	m.x.Add(s, v)
	m.list = append(m.list, indexEntry{s, v})
}

func (m *indexModel) remove(s match.Selector, v int) {
	m.t.Helper()
	i := slices.Index(m.list, indexEntry{s, v})
	if got, want := m.x.Remove(s, v), i >= 0; got != want {
		m.t.Fatalf("Remove(%#v, %d) = %t, want %t", s, v, got, want)
	}
	if i >= 0 {
		m.list = slices.Delete(m.list, i, i+1)
	}
}

func (m *indexModel) compare(topics ...string) {
	m.t.Helper()
	for _, topic := range topics {
		var want []int
		for _, e := range m.list {
			if e.selector.Match(topic) {
				want = append(want, e.value)
			}
		}
		m.same(m.x.Append(nil, topic), want, topic)
	}
	if got, want := m.x.Len(), len(m.list); got != want {
		m.t.Fatalf("Len() = %d, want %d", got, want)
	}
}

func (m *indexModel) compareAll() {
	m.t.Helper()
	var got, want []int
	for v := range m.x.All {
		got = append(got, v)
	}
	for _, e := range m.list {
		want = append(want, e.value)
	}
	m.same(got, want, "everything")
}

func (m *indexModel) same(got, want []int, of string) {
	m.t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.t.Fatalf("values of %q are %v, want %v, with %v", of, got, want, m.list)
	}
}

// randomSelector joins a few of the segments to a selector of any kind.
func randomSelector(rng *rand.Rand) match.Selector {
	for {
		text := randomTopic(rng, "a", "ab", "abc", "b", "", "*", ">")
		switch rng.IntN(4) {
		case 0:
			return match.Exact(text)
		case 1:
			return match.Prefix(text[:rng.IntN(len(text)+1)])
		default:
			if p, err := match.ParsePattern(text); err == nil {
				return p.Selector()
			}
		}
	}
}

func randomTopic(rng *rand.Rand, segments ...string) string {
	words := make([]string, 1+rng.IntN(4))
	for i := range words {
		words[i] = segments[rng.IntN(len(segments))]
	}
	return strings.Join(words, ".")
}

func TestIndexAgreesWithModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var x match.Index[int]
		m := indexModel{t: t, x: &x}
		values := 1 + rng.IntN(60)
		for i := range 600 {
			growing := i/150%2 == 0 // up and down, so that tables are made and dropped
			switch {
			case (rng.IntN(4) > 0) == growing:
				m.add(randomSelector(rng), rng.IntN(values))
			case rng.IntN(4) > 0 && len(m.list) > 0:
				e := m.list[rng.IntN(len(m.list))]
				m.remove(e.selector, e.value)
			default:
				m.remove(randomSelector(rng), rng.IntN(values))
			}
			m.compare(randomTopic(rng, "a", "ab", "abc", "b", "", "*", ">", "\xff"), "a")
		}
		m.compareAll()
	}
}

func TestIndexManyValuesOfOneSelector(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 7))
	var x match.Index[int]
	m := indexModel{t: t, x: &x}
	for range 20 {
		for up := rng.IntN(40); up > 0; up-- {
			m.add(match.Exact("a"), rng.IntN(100))
		}
		for down := rng.IntN(40); down > 0; down-- {
			m.remove(match.Exact("a"), rng.IntN(100))
			if len(m.list) > 0 {
				m.remove(match.Exact("a"), m.list[rng.IntN(len(m.list))].value)
			}
			m.compare("a")
		}
	}
}

// FuzzIndex reads data as operations: lines to add, or to remove when they start with '-'. Then '=' makes a name of the rest
// and '^' a prefix; anything else is a pattern if it can be.
func FuzzIndex(f *testing.F) {
	f.Add("=a.b\n^a.\na.*\na.>\n-a.*\n*.b\n-^a.\n-=a.b", "a.b")
	f.Add("^\n^ab\n^abc\n-^ab\n>\n*\n*.*.*\n-*", "abc")
	f.Fuzz(func(t *testing.T, data, topic string) {
		var x match.Index[int]
		m := indexModel{t: t, x: &x}
		for line := range strings.SplitSeq(data, "\n") {
			text, remove := strings.CutPrefix(line, "-")
			var s match.Selector
			if name, exact := strings.CutPrefix(text, "="); exact {
				s = match.Exact(name)
			} else if prefix, some := strings.CutPrefix(text, "^"); some {
				s = match.Prefix(prefix)
			} else if p, err := match.ParsePattern(text); err == nil {
				s = p.Selector()
			}
			if remove {
				m.remove(s, len(text)%3)
			} else {
				m.add(s, len(text)%3)
			}
			m.compare(topic, text, s.WirePrefix())
		}
		m.compareAll()
	})
}
