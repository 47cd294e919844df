package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

var errNoCustomer = errors.New("no customer")

func TestValidate(t *testing.T) {
	t.Parallel()
	var wrong error
	m := middleware.Validate(func(context.Context, *bus.Message) error { return wrong })
	calls := 0
	h := bus.Chain(returning(&calls, errNoStock), m)
	if err := h(t.Context(), order("7")); err != errNoStock || calls != 1 {
		t.Errorf("a valid event: %v, %d calls", err, calls)
	}
	wrong = errNoCustomer
	err := h(t.Context(), order("7"))
	var refused *middleware.ValidationError
	if !errors.As(err, &refused) || refused.Topic != "orders.created" || !errors.Is(err, errNoCustomer) || calls != 1 {
		t.Errorf("an event that is not valid: %v, %d calls", err, calls)
	}
	if want := `middleware: event on "orders.created" is not valid: no customer`; err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	wrong = fmt.Errorf("of another tenant: %w", bus.ErrFiltered)
	if err := h(t.Context(), order("7")); err != wrong || calls != 1 {
		t.Errorf("an event that is not wanted: %v, %d calls", err, calls)
	}
}

// TestValidateSeesTheContext checks that the function may wait, for instance for a registry.
func TestValidateSeesTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := middleware.Validate(func(ctx context.Context, _ *bus.Message) error { <-ctx.Done(); return ctx.Err() })
	if err := bus.Chain(returning(new(int), nil), m)(ctx, order("7")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestValidateOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		check := middleware.Validate(func(_ context.Context, m *bus.Message) error {
			if payload, err := m.Payload(); err != nil || len(payload) > 8 {
				return errNoCustomer
			}
			return nil
		})
		sub := handle(t, b, func(string) error { return nil }, check)
		for _, value := range []string{"short", "much too long"} {
			if err := publish(t, b, value); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if s := sub.Stats(); s.Failed != 1 || s.Succeeded != 1 {
			t.Errorf("stats %+v", s)
		}
		if err := publish(t, b, "much too long", check); !errors.Is(err, errNoCustomer) {
			t.Errorf("Publish returned %v", err)
		}
		if s := b.Stats(); s.Published != 2 || s.Refused != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestValidateNeedsAFunction(t *testing.T) {
	t.Parallel()
	checkRefused(t, middleware.Validate(nil), "middleware.Validate check")
}
