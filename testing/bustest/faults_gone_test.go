package bustest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// TestWhoLeavesInAPartitionDoesNotComeBack has each side end while the other one is cut off, with delays on the way: when that is healed, there
// is nobody any more.
func TestWhoLeavesInAPartitionDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for _, workerLeaves := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f, open := bustest.NewFaults(t, bustest.Plan{Delay: time.Minute}), bustest.Memory().Open(t)
			stays := bustest.New(t, &bus.Options{Transport: f.Wrap("stays", open())})
			leaves := bustest.New(t, &bus.Options{Transport: open()})
			shop, works := stays, leaves
			if !workerLeaves {
				shop, works = leaves, stays
			}
			var l ledger
			w := newWorker(t, works, l.handle, nil)
			p := newProducer(t, shop, nil)
			synctest.Wait()
			f.Partition("stays")
			if err := leaves.Close(); err != nil {
				t.Error(err)
			}
			f.Heal("stays")
			synctest.Wait()
			if workerLeaves {
				none(t, func(ctx context.Context) error { return p.WaitWorkers(ctx, 1) })
			} else {
				none(t, func(ctx context.Context) error { return w.WaitProducers(ctx, 1) })
			}
		})
	}
}
