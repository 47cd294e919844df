package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

func TestDeduplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := middleware.Deduplicate(nil)
		calls := 0
		var result error
		h := bus.Chain(func(context.Context, *bus.Message) error { calls++; return result }, m)
		call := func(id string, returned, want error, reached bool) {
			t.Helper()
			before := calls
			result = returned
			if err := h(t.Context(), order(id)); !errors.Is(err, want) || want == nil && err != nil || calls > before != reached {
				t.Errorf("%q: got %v, handler called: %t; want %v, %t", id, err, calls > before, want, reached)
			}
		}
		call("7", errNoStock, errNoStock, true) // a failed one is forgotten
		call("7", bus.ErrFiltered, bus.ErrFiltered, true)
		call("7", nil, nil, true)
		call("7", nil, bus.ErrFiltered, false)
		call("8", &bus.InlineError{Topic: "orders.created", Err: errNoStock}, errNoStock, true) // of what the handler has published
		call("8", nil, nil, true)
		call("", nil, nil, true)
		call("", nil, nil, true)
		time.Sleep(10*time.Minute - 1)
		call("7", nil, bus.ErrFiltered, false)
		time.Sleep(time.Nanosecond)
		call("7", errNoStock, errNoStock, true)
		call("7", nil, nil, true)
		call("7", nil, bus.ErrFiltered, false)
		calls = 0
		if err := bus.Chain(returning(&calls, nil), m)(t.Context(), order("7")); err != nil || calls != 1 {
			t.Errorf("another chain: %v, %d calls", err, calls)
		}
	})
}

// TestDeduplicateIdentity has events that are the same by their IDs, which one of them was given and the other has not, and such that are not.
func TestDeduplicateIdentity(t *testing.T) {
	t.Parallel()
	source := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	numbered := func(seq uint64) topic.Metadata {
		return topic.Metadata{Topic: "orders.created", Source: source, Seq: seq}
	}
	given := func(id string) topic.Metadata {
		return topic.Metadata{Topic: "orders.dead", Source: source, Seq: 9, ID: id}
	}
	derived := message(numbered(7)).ID()
	for name, tc := range map[string]struct {
		first, second topic.Metadata
		duplicate     bool
	}{
		"the same number":         {numbered(7), numbered(7), true},
		"another number":          {numbered(7), numbered(8), false},
		"another topic":           {numbered(7), topic.Metadata{Topic: "orders.paid", Source: source, Seq: 7}, false},
		"another source":          {numbered(7), topic.Metadata{Topic: "orders.created", Source: uuid.Max, Seq: 7}, false},
		"forwarded":               {numbered(7), given(derived), true},
		"forwarded before":        {given(derived), numbered(7), true},
		"forwarded twice":         {given(derived), given(derived), true},
		"forwarded another":       {numbered(8), given(derived), false},
		"in upper case":           {numbered(7), given(strings.ToUpper(derived)), false},
		"both in upper case":      {given(strings.ToUpper(derived)), given(strings.ToUpper(derived)), true},
		"as long":                 {given(strings.Repeat("7", 36)), given(strings.Repeat("7", 35) + "8"), false},
		"the same number, its ID": {given("7"), topic.Metadata{Topic: "orders.dead", Source: source, Seq: 9}, false},
		"no ID":                   {topic.Metadata{Topic: "orders.created"}, topic.Metadata{Topic: "orders.created"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			h := bus.Chain(returning(&calls, nil), middleware.Deduplicate(nil))
			if err := h(t.Context(), message(tc.first)); err != nil {
				t.Fatal(err)
			}
			if err := h(t.Context(), message(tc.second)); errors.Is(err, bus.ErrFiltered) != tc.duplicate || (calls == 1) != tc.duplicate {
				t.Errorf("the second returned %v after %d calls, a duplicate: %t", err, calls, tc.duplicate)
			}
		})
	}
}

// TestDeduplicateAllocations is not parallel: it counts allocations.
func TestDeduplicateAllocations(t *testing.T) {
	h := bus.Chain(func(context.Context, *bus.Message) error { return nil }, middleware.Deduplicate(nil))
	m := message(topic.Metadata{Topic: "orders.created", Source: uuid.New()})
	if n := testing.AllocsPerRun(1000, func() {
		m.Meta().Seq++
		if err := h(t.Context(), m); err != nil {
			t.Error(err)
		}
	}); n > 3 { // with what the tables take while they grow
		t.Errorf("%v allocations", n)
	}
}

// TestDeduplicateForgets checks the options: a key of its own, and the oldest of too many is forgotten, but none that is being handled.
func TestDeduplicateForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := middleware.Deduplicate(&middleware.DeduplicateOptions{
			Size: 2, TTL: time.Second, Key: func(m *bus.Message) string { return "k" + m.ID() },
		})
		leave := make(chan struct{})
		var handled []string
		h := bus.Chain(func(_ context.Context, m *bus.Message) error {
			handled = append(handled, m.ID())
			if m.ID() == "slow" {
				<-leave
			}
			return nil
		}, m)
		call := func(id string) {
			if err := h(t.Context(), order(id)); err != nil && !errors.Is(err, bus.ErrFiltered) {
				t.Error(err)
			}
		}
		go call("slow")
		synctest.Wait()
		for _, id := range []string{"a", "b", "a", "c", "a", "b", "c"} { // c puts b out, and b puts c out: a came between
			call(id)
		}
		go call("slow") // waits
		synctest.Wait()
		close(leave)
		synctest.Wait()
		time.Sleep(time.Second)
		call("c")
		call("slow")
		if got, want := fmt.Sprint(handled), "[slow a b c b c c slow]"; got != want {
			t.Errorf("handled %s, want %s", got, want)
		}
	})
}

// TestDeduplicateWaits has duplicates that come while the first one is being handled.
func TestDeduplicateWaits(t *testing.T) {
	t.Parallel()
	ways := map[string]bus.Handler{
		"success": func(context.Context, *bus.Message) error { return nil },
		"failure": func(context.Context, *bus.Message) error { return errNoStock },
	}
	for name, handler := range abruptly {
		ways[name] = handler
	}
	for name, first := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var calls, filtered atomic.Int64
				h := bus.Chain(func(ctx context.Context, m *bus.Message) error {
					n := calls.Add(1)
					time.Sleep(time.Second)
					if n == 1 {
						return first(ctx, m)
					}
					return nil
				}, middleware.Deduplicate(nil))
				var all sync.WaitGroup
				all.Go(func() { apart(func() { _ = h(t.Context(), order("7")) }) })
				synctest.Wait()
				for range 5 {
					all.Go(func() {
						if err := h(t.Context(), order("7")); errors.Is(err, bus.ErrFiltered) {
							filtered.Add(1)
						} else if err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				if n := calls.Load(); n != 1 || filtered.Load() != 0 {
					t.Errorf("%d calls at the same time, %d dropped", n, filtered.Load())
				}
				wantCalls, wantFiltered, wantTook := int64(2), int64(4), 2*time.Second
				if name == "success" {
					wantCalls, wantFiltered, wantTook = 1, 5, time.Second
				}
				all.Wait()
				if calls.Load() != wantCalls || filtered.Load() != wantFiltered || time.Since(begin) != wantTook {
					t.Errorf("%d calls and %d dropped in %v, want %d and %d in %v",
						calls.Load(), filtered.Load(), time.Since(begin), wantCalls, wantFiltered, wantTook)
				}
			})
		})
	}
}

func TestDeduplicateWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		h := bus.Chain(func(context.Context, *bus.Message) error { <-leave; return nil }, middleware.Deduplicate(nil))
		go func() { _ = h(t.Context(), order("7")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h(ctx, order("7"))
		if want := `middleware: waiting for the event that is being handled with the key "7": context deadline exceeded`; err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %s", err, want)
		}
		close(leave)
		synctest.Wait()
		if err := h(t.Context(), order("7")); !errors.Is(err, bus.ErrFiltered) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestDeduplicateInside has a handler that causes a duplicate of its own event, directly or with another event in between.
func TestDeduplicateInside(t *testing.T) {
	t.Parallel()
	var h bus.Handler
	var inside error
	var later context.Context
	next := map[string]string{"7": "7", "8": "9", "9": "8"}
	h = bus.Chain(func(ctx context.Context, m *bus.Message) error {
		later = ctx
		if id := next[m.ID()]; id != "" {
			inside = h(ctx, order(id))
		}
		return errNoStock
	}, middleware.Deduplicate(nil))
	for _, id := range []string{"7", "8"} {
		if err := h(t.Context(), order(id)); err != errNoStock {
			t.Errorf("%s: %v", id, err)
		}
	}
	if inside != errNoStock { // of 9; that of 8 inside of it was dropped
		t.Errorf("inside: %v", inside)
	}
	delete(next, "8")
	if err := h(later, order("8")); err != errNoStock {
		t.Errorf("with the context of a handler that has returned: %v", err)
	}
}

// TestDeduplicateManyWorkers has handlers that fail and panic at random: in the end each event was handled with success once.
func TestDeduplicateManyWorkers(t *testing.T) {
	t.Parallel()
	const events = 50
	var succeeded [events]atomic.Int64
	var running [events]atomic.Int64
	m := middleware.Deduplicate(nil)
	h := bus.Chain(func(_ context.Context, m *bus.Message) error {
		n, err := strconv.Atoi(m.ID())
		if err != nil {
			return err
		}
		if running[n].Add(1) != 1 {
			t.Errorf("event %d is handled twice at the same time", n)
		}
		defer running[n].Add(-1)
		switch rand.IntN(4) {
		case 0:
			panic("sometimes")
		case 1:
			return errNoStock
		}
		succeeded[n].Add(1)
		return nil
	}, middleware.Recover())
	h = bus.Chain(h, m)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for n := range events {
				for { // as one that sends again what failed
					if err := h(t.Context(), order(strconv.Itoa(n))); err == nil || errors.Is(err, bus.ErrFiltered) {
						break
					}
				}
			}
		})
	}
	all.Wait()
	for n := range succeeded {
		if got := succeeded[n].Load(); got != 1 {
			t.Errorf("event %d was handled %d times", n, got)
		}
	}
}

func TestDeduplicateOptions(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]middleware.DeduplicateOptions{"Size": {Size: -1}, "TTL": {TTL: -1}} {
		checkRefused(t, middleware.Deduplicate(&o), "middleware.DeduplicateOptions."+field)
	}
	checkRefused(t, middleware.Deduplicate(&middleware.DeduplicateOptions{Size: 1<<24 + 1}), "middleware.DeduplicateOptions.Size")
}
