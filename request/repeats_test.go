package request_test

import (
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Requests that wait for the reply of the first one are bounded as those that wait for a handler are.
func TestIdempotentRepeatsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		handler := bustest.NewCall(t, double, doubled, bustest.Always(bustest.Block()))
		s := serve(t, b, double, handler.Handle, &request.ServeOptions{Idempotent: request.Idempotent(10), Queue: 5})
		for round := range uint64(2) { // what has waited has left its place
			statuses := map[string]int{}
			var all []*fakeRequest
			for range 10 {
				for id := range uint64(2) {
					all = append(all, peers.ask(t, call("math.double", 1+2*round+id, "1")))
				}
			}
			synctest.Wait()
			handler.ReleaseNext(2)
			synctest.Wait()
			for _, r := range all {
				payload, status, _ := r.outcome(t)
				statuses[status]++
				if status == "" && payload != "2" {
					t.Errorf("%q", payload)
				}
			}
			if statuses["overloaded"] != 20-2-5 || statuses[""] != 2+5 {
				t.Errorf("%v", statuses)
			}
			if got := s.Stats(); got.Requests != 2*(round+1) || got.Succeeded != got.Requests {
				t.Errorf("%+v", got)
			}
		}
	})
}
