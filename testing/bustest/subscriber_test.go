package bustest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// TestSubscriberOnABus has middleware try again what the fake fails.
func TestSubscriberOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		fake := bustest.NewSubscriber[string](t, bustest.FailTimes(2, errScripted), bustest.Take(time.Second), bustest.Fail(errScripted))
		sub, err := subscriber.New(b, orders, fake.Handle, &subscriber.Options{Middleware: []bus.Middleware{
			middleware.Retry(&middleware.RetryOptions{Attempts: 3, Initial: time.Second, Multiplier: 1, Jitter: -1}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, b, orders, "first", "second", "third")
		var got []string
		begin := time.Now()
		for _, a := range fake.Wait(7) {
			got = append(got, fmt.Sprintf("+%v %v", a.Begin.Sub(begin), a))
		}
		want := []string{
			"+0s orders.created#1 first, attempt 1: failed in 0s: no stock left",
			"+1s orders.created#1 first, attempt 2: failed in 0s: no stock left",
			"+2s orders.created#1 first, attempt 3: succeeded in 0s",
			"+2s orders.created#2 second, attempt 1: succeeded in 1s",
			"+3s orders.created#3 third, attempt 1: failed in 0s: no stock left",
			"+4s orders.created#3 third, attempt 2: failed in 0s: no stock left",
			"+5s orders.created#3 third, attempt 3: failed in 0s: no stock left",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		synctest.Wait()
		if s := sub.Stats(); s.Succeeded != 2 || s.Failed != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestBlockedSubscriberOnABus is released by the end of its test, which comes before the end of the bus, whichever was made first.
func TestBlockedSubscriberOnABus(t *testing.T) {
	t.Parallel()
	for name, busFirst := range map[string]bool{"bus first": true, "fake first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fake *bustest.Subscriber[string]
			failures := faketb.Run(t, func(t testing.TB) {
				var b *bus.Bus
				if busFirst {
					b = bustest.New(t)
				}
				fake = bustest.NewSubscriber[string](t, bustest.Block())
				if !busFirst {
					b = bustest.New(t)
				}
				if _, err := subscriber.New(b, orders, fake.Handle, nil); err != nil {
					t.Fatalf("%v", err)
				}
				publish(t, b, orders, "first")
				fake.WaitRunning(1)
			}).Failures
			if failures != "" {
				t.Errorf("failures %q", failures)
			}
			if ended := fake.Wait(1)[0]; ended.Err != nil {
				t.Errorf("it has ended so: %v", ended)
			}
		})
	}
}
