package fault

import (
	"hash/fnv"
	"math"
	"time"
)

// fate is what becomes of a message.
type fate struct {
	drop, duplicate bool
	delay           time.Duration
}

// fate decides what becomes of a message.
func (f *Injector) fate(a arrival) fate {
	draw := func(what string) float64 { // 0 to 1, without 1
		h := fnv.New64a()
		for _, part := range []string{what, a.kind, a.topic, a.from, a.to} {
			_, _ = h.Write(append([]byte(part), 0)) // never fails
		}
		x := mix(mix(mix(h.Sum64()^f.plan.Seed)^a.seq) ^ max(a.attempt, 1) ^ a.again<<32)
		return float64(x>>11) / (1 << 53)
	}
	if f.plan.Drop > 0 && draw("drop") < f.plan.Drop {
		return fate{drop: true}
	}
	return fate{
		duplicate: f.plan.Duplicate > 0 && draw("duplicate") < f.plan.Duplicate,
		delay:     time.Duration(math.Round(float64(f.plan.Delay) * draw("delay"))),
	}
}

// mix spreads each bit over all others: FNV leaves the upper ones of similar texts alike. It is the finalizer of SplitMix64 (Steele, Lea
// and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
