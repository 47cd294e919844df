package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// newPublisher returns a publisher of orders.
func newPublisher(t *testing.T, b *bus.Bus, chain ...bus.Middleware) *publisher.Publisher[string] {
	t.Helper()
	pub, err := publisher.New(b, orders, &publisher.Options{Middleware: chain})
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

// TestDeduplicateForEachSubscription has the value in the list of the bus: each subscription gets each event.
func TestDeduplicateForEachSubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{middleware.Deduplicate(nil)}})
		subs := []*subscriber.Subscription{handle(t, b, func(string) error { return nil }), handle(t, b, func(string) error { return nil })}
		pub := newPublisher(t, b)
		for _, id := range []string{"7", "7", "8"} {
			if err := pub.Publish(t.Context(), "first", publisher.ID(id)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // each has an ID of its own, made from its number
			if err := pub.Publish(t.Context(), "second"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for _, sub := range subs {
			if s := sub.Stats(); s.Succeeded != 4 || s.Filtered != 1 || s.Failed != 0 {
				t.Errorf("stats %+v", s)
			}
		}
	})
}

// TestDeduplicateOnThePublishSide checks what is published twice: what had no ID, and what failed without having been delivered.
func TestDeduplicateOnThePublishSide(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attributes []publisher.Attribute
		inline     error // of the subscription
		refused    error // by a middleware further inside, the first time
		first      error
		second     error
	}{
		"ID":              {[]publisher.Attribute{publisher.ID("7")}, nil, nil, nil, bus.ErrFiltered},
		"none":            {nil, nil, nil, nil, nil},
		"refused":         {[]publisher.Attribute{publisher.ID("7")}, nil, errNoCustomer, errNoCustomer, nil},
		"delivered":       {[]publisher.Attribute{publisher.ID("7")}, errNoStock, nil, errNoStock, bus.ErrFiltered},
		"delivered, none": {nil, errNoStock, nil, errNoStock, errNoStock},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bustest.New(t)
			_, err := subscriber.New(b, orders, func(context.Context, topic.Event[string]) error { return tc.inline }, &subscriber.Options{Inline: true})
			if err != nil {
				t.Fatal(err)
			}
			refused := tc.refused
			refuse := bus.Wrap("refuse", func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					if err := refused; err != nil {
						refused = nil
						return err
					}
					return next(ctx, m)
				}
			})
			pub := newPublisher(t, b, middleware.Deduplicate(nil), refuse)
			for i, want := range []error{tc.first, tc.second} {
				if err := pub.Publish(t.Context(), "first", tc.attributes...); !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("publish %d: got %v, want %v", i, err, want)
				}
			}
		})
	}
}

// TestDeduplicateInsideOnABus has an inline handler that publishes its own event again, past its publisher's chain or through it: neither waits
// for itself.
func TestDeduplicateInsideOnABus(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"subscription": false, "publisher": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which ends at once if everybody waits
				b := bustest.New(t)
				once := []bus.Middleware{middleware.Deduplicate(nil)}
				var o subscriber.Options
				pub := newPublisher(t, b)
				if own {
					pub = newPublisher(t, b, once...)
				} else {
					o.Middleware = once
				}
				o.Inline = true
				calls := 0
				var inside error
				_, err := subscriber.New(b, orders, func(ctx context.Context, e topic.Event[string]) error {
					calls++
					inside = pub.Publish(ctx, e.Value, publisher.ID(e.ID()))
					return nil
				}, &o)
				if err != nil {
					t.Fatal(err)
				}
				if err := pub.Publish(t.Context(), "first", publisher.ID("7")); err != nil || calls != 1 {
					t.Errorf("%d calls, %v", calls, err)
				}
				if own != errors.Is(inside, bus.ErrFiltered) {
					t.Errorf("inside: %v", inside)
				}
			})
		})
	}
}
