package middleware_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestDelayAndClocks has events of publishers whose clocks are right and wrong.
func TestDelayAndClocks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		published func(now time.Time) time.Time
		want      time.Duration
	}{
		"now":              {func(now time.Time) time.Time { return now }, time.Minute},
		"20 s ago":         {func(now time.Time) time.Time { return now.Add(-20 * time.Second) }, 40 * time.Second},
		"a minute ago":     {func(now time.Time) time.Time { return now.Add(-time.Minute) }, 0},
		"an hour behind":   {func(now time.Time) time.Time { return now.Add(-time.Hour) }, 0},
		"an hour ahead":    {func(now time.Time) time.Time { return now.Add(time.Hour) }, time.Minute},
		"no time":          {func(time.Time) time.Time { return time.Time{} }, time.Minute},
		"the first second": {func(time.Time) time.Time { return time.Unix(1, 0) }, 0},
		"before 1970":      {func(time.Time) time.Time { return time.Unix(-1, 0) }, 0},
		"the least":        {func(time.Time) time.Time { return time.Unix(0, -1<<63) }, 0},
		"the most":         {func(time.Time) time.Time { return time.Unix(0, 1<<63-1) }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if took := delayed(t, bus.RoleSubscriber, tc.published(time.Now())); took != tc.want {
					t.Errorf("it was handled after %v, want %v", took, tc.want)
				}
			})
		})
	}
}

// TestDelayOfAbsurdTimes has times that no event can have: the envelope knows nanoseconds since 1970, and what becomes of them there is any.
func TestDelayOfAbsurdTimes(t *testing.T) {
	t.Parallel()
	for _, year := range []int{1, 1600, 2300, 9999} {
		synctest.Test(t, func(t *testing.T) {
			if took := delayed(t, bus.RoleSubscriber, time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)); took < 0 || took > time.Minute {
				t.Errorf("year %d: it was handled after %v", year, took)
			}
		})
	}
}

// delayed returns when an event of that time is handled behind a delay of a minute.
func delayed(t *testing.T, r bus.Role, published time.Time) time.Duration {
	t.Helper()
	begin, handled := time.Now(), time.Duration(-1)
	err := bus.Chain(func(context.Context, *bus.Message) error {
		handled = time.Since(begin)
		return errNoStock
	}, middleware.Delay(time.Minute))(t.Context(), messageOf(r, "two pencils", topic.Metadata{Time: published}))
	if err != errNoStock {
		t.Errorf("got %v", err)
	}
	return handled
}

// TestDelayOnThePublishSide checks that the time that the event has there already does not count.
func TestDelayOnThePublishSide(t *testing.T) {
	t.Parallel()
	for _, r := range []bus.Role{bus.RolePublisher, bus.RoleClient, bus.RoleProducer} {
		synctest.Test(t, func(t *testing.T) {
			if took := delayed(t, r, time.Now().Add(-time.Hour)); took != time.Minute {
				t.Errorf("%v: it was handed on after %v", r, took)
			}
		})
	}
}

// TestDelayOnASubscription publishes an event each second: each is handled a minute later, in order, by one worker.
func TestDelayOnASubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{SlowAfter: time.Hour})
		begin := time.Now()
		var handled []time.Duration
		handle(t, b, func(string) error {
			handled = append(handled, time.Since(begin).Round(10*time.Millisecond)) // the bus's clock is a little behind
			return nil
		}, middleware.Delay(time.Minute))
		for range 3 {
			if err := publish(t, b, "order"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
		if err := b.Shutdown(t.Context()); err != nil { // waits for the handler
			t.Error(err)
		}
		if want := []time.Duration{60 * time.Second, 61 * time.Second, 62 * time.Second}; !slices.Equal(handled, want) {
			t.Errorf("handled after %v, want %v", handled, want)
		}
	})
}

func TestDelayEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := call(ctx, func(context.Context) error { t.Error("the event was handled"); return nil }, middleware.Delay(time.Minute))
		const want = "middleware: the delay of 1m0s has ended early: context deadline exceeded"
		if text(err) != want || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

func TestDelayRefusesOptions(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, -time.Second} {
		checkRefused(t, middleware.Delay(d), "middleware.Delay d")
	}
}
