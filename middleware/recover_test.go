package middleware_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

var errNoStock = errors.New("no stock left")

// recovering calls f inside of Recover.
func recovering(f func() error) error {
	return bus.Chain(func(context.Context, *bus.Message) error { return f() }, middleware.Recover())(context.Background(), nil)
}

func TestRecoverLeavesErrors(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errNoStock} {
		if got := recovering(func() error { return want }); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	for value, text := range map[any]string{
		"text":            "bus: panic in handler: text",
		42:                "bus: panic in handler: 42",
		errNoStock:        "bus: panic in handler: no stock left",
		struct{ N int }{}: "bus: panic in handler: {0}",
	} {
		err := recovering(func() error { panicInHandler(value); return nil })
		var panicked *bus.PanicError
		if !errors.As(err, &panicked) || panicked.Value != value || err.Error() != text {
			t.Errorf("panic(%v): %v, want %s", value, err, text)
			continue
		}
		if !strings.Contains(string(panicked.Stack), "panicInHandler") {
			t.Errorf("panic(%v): the stack does not tell where it was:\n%s", value, panicked.Stack)
		}
		if isErr := value == any(errNoStock); errors.Is(err, errNoStock) != isErr {
			t.Errorf("panic(%v): it is the error no stock left: %t, want %t", value, !isErr, isErr)
		}
	}
}

// panicInHandler can be found in a stack.
//
//go:noinline
func panicInHandler(value any) { panic(value) }

func TestRecoverOfNilAndRuntimeErrors(t *testing.T) {
	t.Parallel()
	var wasNil *runtime.PanicNilError
	if err := recovering(func() error { panic(nil) }); !errors.As(err, &wasNil) {
		t.Errorf("panic(nil): %v", err)
	}
	var wasRuntime runtime.Error
	if err := recovering(func() error { var none []int; none[len(none)]++; return nil }); !errors.As(err, &wasRuntime) {
		t.Errorf("index out of range: %v", err)
	}
}

// TestRecoverLetsGoexitPass checks that a goroutine that ends itself is not taken for one that succeeded.
func TestRecoverLetsGoexitPass(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	returned := false
	go func() {
		defer close(done)
		_ = recovering(func() error { runtime.Goexit(); return nil })
		returned = true
	}()
	<-done
	if returned {
		t.Error("the call returned")
	}
}

// TestRecoverOnTheSubscribeSide has a bus where an outer middleware retries: it gets to see the panic as an error.
func TestRecoverOnTheSubscribeSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		again := bus.Wrap("again", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if next(ctx, m) == nil {
					return nil
				}
				return next(ctx, m)
			}
		})
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{again, middleware.Recover()}})
		calls := 0
		sub := handle(t, b, func(string) error {
			if calls++; calls == 1 {
				panic("the first time")
			}
			return nil
		})
		if err := publish(t, b, "first"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := sub.Stats(); calls != 2 || s.Succeeded != 1 || s.Failed != 0 {
			t.Errorf("%d calls, stats %+v", calls, s)
		}
	})
}

// TestGoexitOnTheSubscribeSide checks that the bus goes on with the next event when a handler inside of Recover ends its goroutine.
func TestGoexitOnTheSubscribeSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		sub := handle(t, b, func(value string) error {
			if value == "first" {
				runtime.Goexit()
			}
			return nil
		}, middleware.Recover())
		for _, value := range []string{"first", "second"} {
			if err := publish(t, b, value); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if s := sub.Stats(); s.Failed != 1 || s.Succeeded != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestPublishPanicsWithoutRecover is what Recover's documentation says of the publish side.
func TestPublishPanicsWithoutRecover(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	fail := bus.Wrap("fail", func(bus.Handler) bus.Handler {
		return func(context.Context, *bus.Message) error { panic(errNoStock) }
	})
	defer func() {
		if v := recover(); v != any(errNoStock) {
			t.Errorf("Publish panicked with %v", v)
		}
	}()
	err := publish(t, b, "first", fail)
	t.Errorf("Publish returned %v", err)
}
