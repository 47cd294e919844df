package stress_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lengthVariable has how long the test goes on.
const lengthVariable = "FANFARE_STRESS"

const (
	defaultLength = 2 * time.Second
	longestRound  = 10 * time.Second
	// maxGrowth is how much more memory may be in use after a round than after the first one, in bytes.
	maxGrowth = 32 << 20
)

// Whatever is going on, counters are balanced at every moment, and at the end every accepted event is accounted for. Nothing is left
// behind: no goroutine, no memory.
func TestStress(t *testing.T) {
	length := defaultLength
	if given := os.Getenv(lengthVariable); given != "" {
		var err error
		if length, err = time.ParseDuration(given); err != nil {
			t.Fatalf("%s: %v", lengthVariable, err)
		}
	}
	end := time.Now().Add(length)
	var all tally
	var first uint64
	for round := 1; round == 1 || time.Now().Before(end); round++ {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("%d-seed-%d", round, seed), func(t *testing.T) {
			r := newRound(t, seed)
			r.run(min(time.Until(end), longestRound))
			all.add(r.tally())
		})
		if t.Failed() {
			return
		}
		goleak.VerifyNone(t)
		if used := heap(); first == 0 {
			first = used
		} else if used > first+maxGrowth {
			t.Errorf("%d bytes in use after round %d, %d after the first one", used, round, first)
		}
	}
	t.Logf("%+v", all)
	if all.Published == 0 || all.Handled == 0 || all.Dropped == 0 || all.Refused == 0 || all.Received == 0 {
		t.Errorf("too little has happened: %+v", all)
	}
}

// heap returns the bytes in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
