package middleware_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// wantSeven takes the event with the ID 7.
func wantSeven(m *bus.Message) bool { return m.ID() == "7" }

func TestFilter(t *testing.T) {
	t.Parallel()
	m := middleware.Filter(wantSeven)
	calls := 0
	h := bus.Chain(returning(&calls, errNoStock), m)
	if err := h(t.Context(), order("8")); !errors.Is(err, bus.ErrFiltered) || calls != 0 {
		t.Errorf("not wanted: %v, %d calls", err, calls)
	}
	if err := h(t.Context(), order("7")); err != errNoStock || calls != 1 {
		t.Errorf("wanted: %v, %d calls", err, calls)
	}
}

func TestFilterOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		sub := handle(t, b, func(string) error { return nil }, middleware.Filter(func(m *bus.Message) bool { return m.Seq() > 1 }))
		for range 3 {
			if err := publish(t, b, "first"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if s := sub.Stats(); s.Filtered != 1 || s.Succeeded != 2 || s.Failed != 0 {
			t.Errorf("stats %+v", s)
		}
		if err := publish(t, b, "not wanted", middleware.Filter(wantSeven)); !errors.Is(err, bus.ErrFiltered) {
			t.Errorf("Publish returned %v", err)
		}
		if s := b.Stats(); s.Published != 3 || s.Refused != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestFilterNeedsAFunction(t *testing.T) {
	t.Parallel()
	checkRefused(t, middleware.Filter(nil), "middleware.Filter want")
}
