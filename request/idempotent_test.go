package request_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

func TestIdempotent(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var runs atomic.Int32
		s := serve(t, b, failing, func(ctx context.Context, how string) (string, error) {
			runs.Add(1)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return "", ctx.Err()
			}
			return fail(ctx, how)
		}, &request.ServeOptions{Idempotent: request.Idempotent(10)})

		first := peers.ask(t, call("test.fail", 1, `"a"`))
		synctest.Wait()
		first.abandon(true) // the connection is lost, and the client comes back
		second := peers.ask(t, call("test.fail", 1, `"a"`, "attempt", "2"))
		third := peers.ask(t, call("test.fail", 1, `"a"`, "attempt", "3"))
		for i, r := range []*fakeRequest{first, second, third, peers.ask(t, call("test.fail", 1, `"a"`, "attempt", "4"))} {
			if payload, status, _ := r.outcome(t); payload != `"a"` || status != "" {
				t.Errorf("attempt %d: %q %q", i+1, payload, status)
			}
		}
		if runs.Load() != 1 || s.Stats().Repeated != 3 {
			t.Errorf("%d runs, %+v", runs.Load(), s.Stats())
		}

		for range 2 { // failures are remembered as well
			if _, status, message := peers.ask(t, call("test.fail", 2, `"error"`)).outcome(t); status != "failed" || message != "no luck" {
				t.Errorf("%q %q", status, message)
			}
		}
		if runs.Load() != 2 {
			t.Errorf("%d runs", runs.Load())
		}

		running := peers.ask(t, call("test.fail", 3, `"b"`))
		synctest.Wait()
		running.abandon(true)
		again := peers.ask(t, call("test.fail", 3, `"b"`))
		again.abandon(false) // the client gives up
		if _, status, _ := again.outcome(t); status != "cancelled" {
			t.Errorf("%q", status)
		}

		for range 2 { // plain requests have no number
			if payload, _, _ := peers.ask(t, call("test.fail", 0, `"c"`)).outcome(t); payload != `"c"` {
				t.Errorf("%q", payload)
			}
		}
		if runs.Load() != 5 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

func TestIdempotentForgets(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		handler := bustest.NewCall(t, double, doubled, bustest.Succeed(), bustest.Succeed(), bustest.Succeed(), bustest.Succeed(), bustest.Block())
		serve(t, b, double, handler.Handle, &request.ServeOptions{Idempotent: request.Idempotent(2), Workers: 1, Queue: 1})
		for _, id := range []uint64{1, 2, 3, 3, 2, 1} { // the first was forgotten for the third
			peers.ask(t, call("math.double", id, "1")).outcome(t)
		}
		if runs := handler.Seen(); len(runs) != 4 {
			t.Errorf("%d runs: %v", len(runs), runs)
		}
		peers.ask(t, call("math.double", 10, "0"))
		synctest.Wait()
		peers.ask(t, call("math.double", 11, "1"))
		refused := peers.ask(t, call("math.double", 12, "1"))
		if _, status, _ := refused.outcome(t); status != "overloaded" {
			t.Fatalf("%q", status)
		}
		handler.Release()
		synctest.Wait()
		if payload, status, _ := peers.ask(t, call("math.double", 12, "1")).outcome(t); payload != "2" {
			t.Errorf("a refusal was remembered: %q %q", payload, status)
		}
	})
}

// Two clients have requests of the same number.
func TestIdempotentKnowsClients(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		serve(t, b, double, twice, &request.ServeOptions{Idempotent: request.Idempotent(2)})
		one, other := call("math.double", 1, "1"), call("math.double", 1, "2")
		other.Envelope[6] = 8
		for want, m := range map[string]transport.Message{"2": one, "4": other} {
			if payload, _, _ := peers.ask(t, m).outcome(t); payload != want {
				t.Errorf("%q, want %q", payload, want)
			}
		}
	})
}
