package bustest_test

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestRetainedEventsHaveTheirLimitInAPartition publishes more keys than are kept, some of them twice: after the partition those come that would be
// kept without it, and they are not lost.
func TestRetainedEventsHaveTheirLimitInAPartition(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end      func(f *bustest.Faults)
		received []int
		lost     uint64
	}{
		"healed": {func(f *bustest.Faults) { f.Heal("shop") }, []int{19, 20}, 10},
		"killed": {func(f *bustest.Faults) { f.Kill("shop") }, nil, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := bustest.NewFaults(t, bustest.Plan{})
				buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
				got := bustest.Record(t, buses[1], numbered)
				byKey := topic.New[int](numbered.String()).WithKey(func(n int) string { return strconv.Itoa(n % 10) })
				pub := newPublisher(t, buses[0], byKey, &publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: 2})
				synctest.Wait()
				f.Partition("shop")
				publishNumbers(t, pub, 1, 10)
				for _, n := range []int{20, 19, 20} { // of 10 and 9, which are kept
					publishNumbers(t, pub, n, n)
				}
				stats := buses[0].Stats().Transport
				tc.end(f)
				synctest.Wait()
				if values := valuesOf(got); !slices.Equal(values, tc.received) {
					t.Errorf("received %v", values)
				}
				if s := f.Stats(); s.Lost != tc.lost+1 || stats.RetainedEvicted != 8 {
					t.Errorf("%d were lost, %d evicted", s.Lost, stats.RetainedEvicted)
				}
			})
		})
	}
}
