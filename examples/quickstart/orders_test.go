package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/testing/bustest"
)

// The events of two orders, of which the second one is cancelled.
func TestShopSells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		s, got := openShop(t, b), bustest.Record(t, b, AnyOrder)
		orders := []Order{
			{Number: cancelEvery - 1, Customer: "ada", Cents: 150},
			{Number: cancelEvery, Customer: "grace", Cents: 250},
		}
		for _, o := range orders {
			if err := s.sell(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		event := func(name string, o Order) bustest.Matcher[Order] {
			o.At = time.Now().UnixNano() // no time passes here
			return bustest.Both(bustest.Topic[Order](name), bustest.Key[Order](o.Customer), bustest.Header[Order]("region", "eu"), bustest.Equal(o))
		}
		got.ExpectExactly(event("orders.created", orders[0]), event("orders.created", orders[1]), event("orders.cancelled", orders[1]))
		if want := (Closing{Created: 2, Cancelled: 1}); s.total != want {
			t.Errorf("the total is %+v, want %+v", s.total, want)
		}
	})
}

// A whole day takes four seconds of virtual time.
func TestDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		s := openShop(t, b)
		created, cancelled, closed := bustest.Record(t, b, Created), bustest.Record(t, b, Cancelled), bustest.Record(t, b, Closed)
		var reports bytes.Buffer
		began := time.Now()
		if err := s.trade(t.Context(), newReporter(&reports)); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(began), orderCount/batchSize*batchPause; took != want {
			t.Errorf("it took %v, want %v", took, want)
		}
		closed.ExpectExactly(bustest.Equal(Closing{Created: orderCount, Cancelled: orderCount / cancelEvery}))
		for i, e := range created.Wait(orderCount) {
			if e.Value.Number != i+1 {
				t.Fatalf("event %d is about order %d", i, e.Value.Number)
			}
		}
		for i, e := range cancelled.Wait(orderCount / cancelEvery) {
			if e.Value.Number != (i+1)*cancelEvery {
				t.Fatalf("event %d is about order %d", i, e.Value.Number)
			}
		}
		var want []string
		for n, customer := range []string{"grace", "frances", "edsger", "dennis", "barbara"} {
			want = append(want, fmt.Sprintf("order %d published, for %s", (n+1)*1000, customer))
		}
		if got := said(t, &reports); !slices.Equal(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}

// A day that is broken off ends with the error of its context, and without its last event.
func TestDayIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		s, closed := openShop(t, b), bustest.Record(t, b, Closed)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.trade(ctx, newReporter(io.Discard)); err != context.DeadlineExceeded {
			t.Error(err)
		}
		closed.ExpectNone()
	})
}
