package bustest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// TestEachAckHasItsOwnFate has tasks whose acknowledgement was dropped done again, by another worker: of those acknowledgements no more are
// dropped than of the first ones.
func TestEachAckHasItsOwnFate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Seed: 5, Drop: 0.1}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Name: "shop", Transport: f.Wrap("shop", open())})
		var l ledger
		for _, name := range []string{"one", "two"} {
			newWorker(t, bustest.New(t, &bus.Options{Name: name, Transport: open()}), l.handle, nil)
		}
		p := newProducer(t, shop, &pipeline.ProducerOptions{Attempts: -1, AckTimeout: time.Second})
		synctest.Wait()
		sendTasks(t, p, 0, 1000)
		allDone(t, p)
		dropped := map[int]int{}
		for _, n := range numbersIn(t, f.Log(), "shop dropped ack of images.resize") {
			dropped[n]++
		}
		twice := 0
		for _, n := range dropped {
			if n > 1 {
				twice++
			}
		}
		if first := len(dropped); first < 50 || first > 150 || twice > first/3 {
			t.Errorf("the acknowledgements of %d of 1000 tasks were dropped, of %d again", first, twice)
		}
	})
}
