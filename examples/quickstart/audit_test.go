package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/testing/bustest"
)

// The audit counts the order that it cannot cope with, says why, and goes on.
func TestAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var reports bytes.Buffer
		a, err := newAudit(b, newReporter(&reports))
		if err != nil {
			t.Fatal(err)
		}
		s := openShop(t, b)
		for _, n := range []int{oddOrder - 1, oddOrder, oddOrder + 1} {
			if err := s.sell(t.Context(), Order{Number: n}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got, want := a.result(b), (result{Service: "audit", Topics: "orders.created", Delivered: 2, Failed: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		why := `log: ERR event failed error="bus: panic in handler: no rule for order 1313"`
		if got := said(t, &reports); len(got) != 2 || got[0] != "auditing in the same process" || !strings.HasPrefix(got[1], why) {
			t.Errorf("said %q, want at the end %q", got, why)
		}
	})
}
