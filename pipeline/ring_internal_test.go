package pipeline

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The ring holds what a map would, whatever comes and goes, and does not grow because one task stays.
func TestRingAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r, model := ring{base: 1, next: 1}, map[uint64]int64{}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				for range rapid.IntRange(1, 200).Draw(rt, "tasks") {
					seq, s := r.push()
					*s = slot{state: waiting, time: int64(seq) * 7}
					model[seq] = int64(seq) * 7
				}
			case 1:
				first := rapid.Uint64Range(0, r.next+5).Draw(rt, "first")
				end := first + rapid.Uint64Range(0, 300).Draw(rt, "count")
				r.each(first, end, func(seq uint64, s *slot) {
					if s.time != model[seq] {
						rt.Fatalf("task %d is %d", seq, s.time)
					}
					r.remove(seq, s)
					delete(model, seq)
				})
				for seq := range model {
					if seq >= first && seq < end {
						rt.Fatalf("each has missed %d", seq)
					}
				}
			case 2:
				seq := rapid.Uint64Range(0, r.next+5).Draw(rt, "seq")
				s := r.at(seq)
				if _, there := model[seq]; (s != nil) != there || there && s.time != model[seq] {
					rt.Fatalf("task %d: %+v", seq, s)
				}
				if s != nil {
					r.remove(seq, s)
					delete(model, seq)
				}
			}
			if r.live != len(model) {
				rt.Fatalf("%d live, want %d", r.live, len(model))
			}
		}
		var all []uint64
		r.each(0, r.next, func(seq uint64, _ *slot) { all = append(all, seq) })
		slices.Sort(all)
		if !slices.Equal(all, slices.Sorted(maps.Keys(model))) {
			rt.Fatalf("each yields %v", all)
		}
	})
}

// A task that is overtaken by a million others costs no ring of a million.
func TestStragglersAreSetAside(t *testing.T) {
	t.Parallel()
	r := ring{base: 1, next: 1}
	for range 3 {
		_, s := r.push()
		*s = slot{state: waiting}
	}
	for range 1_000_000 {
		seq, s := r.push()
		*s = slot{state: waiting}
		r.remove(seq, s)
	}
	if len(r.slots) > minRing || r.live != 3 || r.at(1) == nil || r.at(3) == nil {
		t.Errorf("%d slots, %d live", len(r.slots), r.live)
	}
}
