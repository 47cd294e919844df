package memory

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Against the plain meaning of it, with names of which many begin alike.
func TestPrefixesMatch(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	name := func() string {
		var b strings.Builder
		for range random.IntN(6) {
			b.WriteByte("ab\xff"[random.IntN(3)])
		}
		return b.String()
	}
	for range 200 {
		var p prefixes
		times := map[string]int{}
		for range 40 {
			prefix := name()
			if random.IntN(3) == 0 && times[prefix] > 0 {
				rest, gone := p.remove(prefix)
				if times[prefix]--; gone != (times[prefix] == 0) {
					t.Fatalf("%q is gone %t, and is left %d times", prefix, gone, times[prefix])
				}
				p = rest
			} else {
				more, fresh := p.add(prefix)
				if times[prefix]++; fresh != (times[prefix] == 1) {
					t.Fatalf("%q is new %t, and is there %d times", prefix, fresh, times[prefix])
				}
				p = more
			}
			topic, want := name(), false
			for prefix, n := range times {
				want = want || n > 0 && strings.HasPrefix(topic, prefix)
			}
			if p.match(topic) != want {
				t.Fatalf("%q in %v: %t", topic, p, !want)
			}
		}
	}
}

// A value stays as it is, because others read it meanwhile.
func TestPrefixesAreNotChanged(t *testing.T) {
	t.Parallel()
	one, _ := prefixes(nil).add("b")
	one.add("a")
	one.add("b")
	one.add("c")
	one.remove("b")
	if rest, gone := one.remove("other"); gone || len(rest) != 1 || rest[0] != (subscription{"b", 1}) {
		t.Errorf("%v, gone %t", rest, gone)
	}
}
