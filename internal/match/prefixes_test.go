package match_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/match"
)

func TestPrefixesZeroValueMatchesNothing(t *testing.T) {
	t.Parallel()
	var p match.Prefixes
	if p.Match(nil) || p.Match([]byte("orders")) || p.Len() != 0 || p.Remove(nil) {
		t.Errorf("an empty set matches, counts or removes something")
	}
}

func TestPrefixesCountUses(t *testing.T) {
	t.Parallel()
	var p match.Prefixes
	orders := []byte("orders.")
	for i, want := range []bool{true, false, false} {
		if got := p.Add(orders); got != want {
			t.Errorf("Add number %d = %t, want %t", i+1, got, want)
		}
	}
	for i, want := range []bool{false, false, true, false} {
		if got := p.Remove(orders); got != want {
			t.Errorf("Remove number %d = %t, want %t", i+1, got, want)
		}
	}
	if p.Match([]byte("orders.created")) {
		t.Error("a prefix removed as often as it was added still matches")
	}
}

func TestPrefixesKeepNoCallerMemory(t *testing.T) {
	t.Parallel()
	var p match.Prefixes
	buf := []byte("orders.")
	p.Add(buf)
	clear(buf)
	if !p.Match([]byte("orders.created")) {
		t.Error("Add kept the caller's slice")
	}
	for got := range p.All {
		clear(got)
	}
	if !p.Match([]byte("orders.created")) {
		t.Error("All handed out the set's own memory")
	}
}

func TestPrefixesAllStopsWhenAsked(t *testing.T) {
	t.Parallel()
	var p match.Prefixes
	for _, s := range []string{"b", "a", "ab", ""} {
		p.Add([]byte(s))
	}
	var got []string
	for prefix := range p.All {
		if got = append(got, string(prefix)); len(got) == 3 {
			break
		}
	}
	if want := []string{"", "a", "ab"}; !slices.Equal(got, want) {
		t.Errorf("All yielded %q, want %q", got, want)
	}
}

// prefixModel is the set written in the plainest way.
type prefixModel map[string]int

func (m prefixModel) match(topic string) bool {
	for prefix := range m {
		if strings.HasPrefix(topic, prefix) {
			return true
		}
	}
	return false
}

// step applies one operation to both and compares every answer they give.
func step(t *testing.T, p *match.Prefixes, model prefixModel, add bool, prefix string, topics ...string) {
	t.Helper()
	if add {
		model[prefix]++
		if got, want := p.Add([]byte(prefix)), model[prefix] == 1; got != want {
			t.Fatalf("Add(%q) = %t, want %t", prefix, got, want)
		}
	} else {
		want := model[prefix] == 1
		if got := p.Remove([]byte(prefix)); got != want {
			t.Fatalf("Remove(%q) = %t, want %t", prefix, got, want)
		}
		if model[prefix]--; model[prefix] <= 0 {
			delete(model, prefix)
		}
	}
	for _, topic := range append(topics, prefix, prefix+"x", prefix[:len(prefix)/2]) {
		if got, want := p.Match([]byte(topic)), model.match(topic); got != want {
			t.Fatalf("Match(%q) = %t, want %t, with %q", topic, got, want, slices.Sorted(maps.Keys(model)))
		}
	}
	if got, want := p.Len(), len(model); got != want {
		t.Fatalf("Len() = %d, want %d", got, want)
	}
}

func compareAll(t *testing.T, p *match.Prefixes, model prefixModel) {
	t.Helper()
	var got []string
	for prefix := range p.All {
		got = append(got, string(prefix))
	}
	if want := slices.Sorted(maps.Keys(model)); !slices.Equal(got, want) {
		t.Fatalf("All yielded %q, want %q", got, want)
	}
}

func TestPrefixesAgreeWithModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		word := func() string { // few letters, so that words share prefixes and repeat
			b := make([]byte, rng.IntN(6))
			for i := range b {
				b[i] = "ab\x00\xff"[rng.IntN(4)]
			}
			return string(b)
		}
		var p match.Prefixes
		model := prefixModel{}
		for range 400 {
			step(t, &p, model, rng.IntN(2) == 0, word(), word())
		}
		compareAll(t, &p, model)
	}
}

// FuzzPrefixes reads data as operations: lines to add, or to remove when they start with '-'.
func FuzzPrefixes(f *testing.F) {
	f.Add([]byte("orders.\norders.eu\n-orders.\norders.eu.new\n-orders.eu"), "orders.eu.new")
	f.Add([]byte("\na\nab\nabc\n-ab\n-\n-a"), "abc")
	f.Fuzz(func(t *testing.T, data []byte, topic string) {
		var p match.Prefixes
		model := prefixModel{}
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			prefix, remove := bytes.CutPrefix(line, []byte("-"))
			step(t, &p, model, !remove, string(prefix), topic)
		}
		compareAll(t, &p, model)
	})
}

func TestPrefixesMatchDoesNotAllocate(t *testing.T) {
	var p match.Prefixes
	p.Add([]byte("orders.eu."))
	p.Add([]byte("orders.us."))
	topic := []byte("orders.us.created")
	if n := testing.AllocsPerRun(100, func() { p.Match(topic) }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

func BenchmarkPrefixesMatch(b *testing.B) {
	for _, size := range []int{1, 10, 10_000} {
		var p match.Prefixes
		for i := range size {
			p.Add(fmt.Appendf(nil, "sensors.%05d.", i*7919%100_000))
		}
		for name, topic := range map[string]string{
			"hit":  fmt.Sprintf("sensors.%05d.temperature", (size/2)*7919%100_000),
			"miss": "sensors.99999x.temperature",
		} {
			b.Run(fmt.Sprintf("%s/prefixes=%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				wire := []byte(topic)
				want := name == "hit"
				for b.Loop() {
					if p.Match(wire) != want {
						b.Fatal("wrong answer")
					}
				}
			})
		}
	}
}

func BenchmarkPrefixesAddRemove(b *testing.B) {
	var p match.Prefixes
	for i := range 10_000 {
		p.Add(fmt.Appendf(nil, "sensors.%05d.", i))
	}
	prefix := []byte("sensors.05000.temperature")
	b.ReportAllocs()
	for b.Loop() {
		p.Add(prefix)
		p.Remove(prefix)
	}
}
