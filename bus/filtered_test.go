package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// Sentences 5 and 12: an event that a handler, or a middleware, does not want counts as filtered. It is not logged, has not failed, and a Publish
// hears nothing of it.
func TestFiltered(t *testing.T) {
	t.Parallel()
	odd := func(_ context.Context, e topic.Event[int]) error {
		switch e.Value {
		case 1, 3:
			return fmt.Errorf("%d is odd: %w", e.Value, bus.ErrFiltered)
		case 4:
			return errors.New("four")
		}
		return nil
	}
	filter := bus.Wrap("filter", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error { return odd(ctx, *m.Event().(*topic.Event[int])) }
	})
	all := func(context.Context, topic.Event[int]) error { return nil }
	for name, o := range map[string]subscriber.Options{"plain": {}, "workers": {Workers: 2}, "group": {Group: "g"}, "inline": {Inline: true}} {
		for by, handler := range map[string]func(context.Context, topic.Event[int]) error{"handler": odd, "middleware": all} {
			t.Run(name+" "+by, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var out bytes.Buffer
					log := zerolog.New(&out)
					b := bustest.New(t, &bus.Options{Logger: &log})
					o := o
					if by == "middleware" {
						o.Middleware = []bus.Middleware{filter}
					}
					s := subscribe(t, b, numbers, handler, &o)
					p := newPublisher(t, b, numbers)
					publish(t, t.Context(), p, 1, 2, 3)
					var inline *bus.InlineError
					if err := p.Publish(t.Context(), 4); errors.As(err, &inline) != o.Inline || !o.Inline && err != nil {
						t.Error(err)
					}
					synctest.Wait()
					stats := s.Stats()
					if stats.Filtered != 2 || stats.Succeeded != 1 || stats.Failed != 1 {
						t.Errorf("%+v, want 2 filtered, 1 succeeded, 1 failed", stats)
					}
					balance(t, stats)
					if got := out.String(); strings.Contains(got, "odd") || strings.Contains(got, "four") == o.Inline {
						t.Errorf("log: %s", got)
					}
				})
			})
		}
	}
}

// In a batch as well: by middleware, and by the handler for all of it or for some.
func TestFilteredInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out)
		b := bustest.New(t, &bus.Options{Logger: &log})
		results := []error{nil, bus.ErrFiltered, &bus.BatchError{Failed: map[int]error{0: bus.ErrFiltered, 1: errors.New("second")}}}
		notFour := bus.Wrap("not four", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if m.Seq() == 4 {
					return bus.ErrFiltered
				}
				return next(ctx, m)
			}
		})
		s, err := subscriber.Batch(b, numbers, func(_ context.Context, events []topic.Event[int]) error {
			err := results[0]
			results = results[1:]
			return err
		}, &subscriber.BatchOptions{Size: 3, Options: subscriber.Options{Middleware: []bus.Middleware{notFour}}})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, t.Context(), newPublisher(t, b, numbers), 1, 2, 3, 4, 5, 6, 7, 8, 9)
		synctest.Wait()
		if stats := s.Stats(); stats.Succeeded != 4 || stats.Filtered != 4 || stats.Failed != 1 {
			t.Errorf("%+v, want 4 succeeded, 4 filtered, 1 failed", stats)
		}
		balance(t, s.Stats())
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "second") {
			t.Errorf("log: %s", got)
		}
	})
}
