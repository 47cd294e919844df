package main

import (
	"testing"

	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// A service learns of the last event of the day, and that the publisher has gone, over every transport.
func TestClosing(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		ctx := interop.Patient(t)
		there, here := open(), open()
		pub, err := publisher.New(there, Closed, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := watchClosing(here)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.WaitSubscribers(ctx, 1); err != nil {
			t.Fatal(err)
		}
		want := Closing{Created: 3, Cancelled: 1}
		if err := pub.Publish(ctx, want); err != nil {
			t.Fatal(err)
		}
		if got, err := c.await(ctx); got != want || err != nil {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if err := there.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := c.awaitPublisherGone(ctx); err != nil {
			t.Error(err)
		}
	})
}
