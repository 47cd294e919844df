package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestValues checks that ValidateValue and FilterValue see the value of an event, whether it comes as it is or encoded, and the handler as well.
func TestValues(t *testing.T) {
	t.Parallel()
	numbers := topic.New[int]("numbers")
	positive := middleware.ValidateValue(func(_ context.Context, n int) error {
		switch {
		case n == 0:
			return bus.ErrFiltered
		case n < 0:
			return errNoStock
		}
		return nil
	})
	wanted := middleware.FilterValue(func(n int) bool { return n > 0 })
	text := middleware.ValidateValue(func(context.Context, string) error { return nil })
	for name, tc := range map[string]struct {
		m       bus.Middleware
		encoded string
		want    subscriber.Stats
		err     string
	}{
		"valid":              {positive, "12", subscriber.Stats{Matched: 1, Succeeded: 1}, ""},
		"not valid":          {positive, "-12", subscriber.Stats{Matched: 1, Failed: 1}, `middleware: event on "numbers" is not valid: no stock left`},
		"filtered":           {positive, "0", subscriber.Stats{Matched: 1, Filtered: 1}, bus.ErrFiltered.Error()},
		"wanted":             {wanted, "12", subscriber.Stats{Matched: 1, Succeeded: 1}, ""},
		"not wanted":         {wanted, "-12", subscriber.Stats{Matched: 1, Filtered: 1}, bus.ErrFiltered.Error()},
		"of another type":    {text, "12", subscriber.Stats{Matched: 1, Failed: 1}, `middleware: event on "numbers" is a *topic.Event[int], not one of string`},
		"validates nonsense": {positive, "x", subscriber.Stats{Matched: 1, Failed: 1}, `bus: event "numbers"#1 does not decode from application/json as int: at byte 0: invalid character 'x' looking for beginning of value`},
		"filters nonsense":   {wanted, "x", subscriber.Stats{Matched: 1, Failed: 1}, `bus: event "numbers"#1 does not decode from application/json as int: at byte 0: invalid character 'x' looking for beginning of value`},
	} {
		check := func(t *testing.T, publish func(b *bus.Bus) error) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				var failed, handled string
				look := bus.Wrap("look", func(next bus.Handler) bus.Handler {
					return func(ctx context.Context, m *bus.Message) error {
						err := next(ctx, m)
						if err != nil {
							failed = err.Error()
						}
						return err
					}
				})
				sub, err := subscriber.New(b, numbers, func(_ context.Context, e topic.Event[int]) error {
					handled = fmt.Sprint(e.Value)
					return nil
				}, &subscriber.Options{Middleware: []bus.Middleware{look, tc.m}})
				if err != nil {
					t.Fatal(err)
				}
				if err := publish(b); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if got := sub.Stats(); got != tc.want || failed != tc.err || (handled == tc.encoded) != (tc.err == "") {
					t.Errorf("stats %+v, error %s, handled %q", got, failed, handled)
				}
			})
		}
		t.Run(name+", encoded", func(t *testing.T) {
			t.Parallel()
			check(t, func(b *bus.Bus) error {
				pub, err := publisher.New(b, topic.New[[]byte]("numbers").WithCodec(codec.Raw), nil)
				return errors.Join(err, pub.Publish(t.Context(), []byte(tc.encoded)))
			})
		})
		var value int
		if _, err := fmt.Sscan(tc.encoded, &value); err != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, func(b *bus.Bus) error {
				pub, err := publisher.New(b, numbers, nil)
				return errors.Join(err, pub.Publish(t.Context(), value))
			})
		})
	}
}

func TestValuesWithoutFunction(t *testing.T) {
	t.Parallel()
	checkRefused(t, middleware.ValidateValue[int](nil), "middleware.Validate check")
	checkRefused(t, middleware.FilterValue[int](nil), "middleware.Filter want")
}
