package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// throttles are both constructors; the events of these tests have one key.
var throttles = map[string]func(perSecond float64, burst int) bus.Middleware{
	"throttle": middleware.Throttle,
	"throttle by key": func(perSecond float64, burst int) bus.Middleware {
		return middleware.ThrottleByKey(perSecond, burst, nil)
	},
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	for name, throttle := range throttles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := throttle(2, 3)
				begin := time.Now()
				var at []string
				note := func(context.Context, *bus.Message) error {
					at = append(at, time.Since(begin).String())
					return errNoStock
				}
				chains := []bus.Handler{bus.Chain(note, m), bus.Chain(note, m)}
				for i := range 6 {
					if err := chains[i%2](t.Context(), order("7")); err != errNoStock {
						t.Error(err)
					}
				}
				time.Sleep(time.Hour)
				begin = time.Now()
				for i := range 4 {
					_ = chains[i%2](t.Context(), order("7"))
				}
				if want := []string{"0s", "0s", "0s", "500ms", "1s", "1.5s", "0s", "0s", "0s", "500ms"}; !slices.Equal(at, want) {
					t.Errorf("calls after %q, want %q", at, want)
				}
			})
		})
	}
}

// TestThrottleEndsWithTheContext checks the ways in which a wait ends early, and that nothing is taken for it.
func TestThrottleEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for name, throttle := range throttles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				h := bus.Chain(returning(&calls, nil), throttle(0.125, 1))
				if err := h(t.Context(), order("7")); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				check := func(ctx context.Context, after, wait time.Duration, want error) {
					t.Helper()
					err := h(ctx, order("7"))
					var throttled *middleware.ThrottleError
					if !errors.As(err, &throttled) || !errors.Is(err, want) || throttled.Wait.Round(time.Millisecond) != wait || time.Since(begin) != after {
						t.Errorf("after %v: %v", time.Since(begin), err)
					}
				}
				near, cancel := context.WithTimeout(t.Context(), 7*time.Second)
				defer cancel()
				check(near, 0, 8*time.Second, context.DeadlineExceeded)
				meanwhile, cancel := context.WithCancel(t.Context())
				time.AfterFunc(4*time.Second, cancel)
				check(meanwhile, 4*time.Second, 4*time.Second, context.Canceled)
				check(meanwhile, 4*time.Second, 4*time.Second, context.Canceled)
				if err := h(t.Context(), order("7")); err != nil || time.Since(begin) != 8*time.Second || calls != 2 {
					t.Errorf("%d calls after %v, %v", calls, time.Since(begin), err)
				}
				time.Sleep(time.Minute)
				begin = time.Now()
				check(meanwhile, 0, 0, context.Canceled)
			})
		})
	}
}

// TestThrottleKeepsTurns has the first of those who wait give up: the one behind it keeps its turn, and the next one comes after that.
func TestThrottleKeepsTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := bus.Chain(succeed, middleware.Throttle(1, 1))
		if err := h(t.Context(), order("1")); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		impatient, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		var all sync.WaitGroup
		all.Go(func() {
			var throttled *middleware.ThrottleError
			if err := h(impatient, order("2")); !errors.As(err, &throttled) || throttled.Wait.Round(time.Millisecond) != 2500*time.Millisecond {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
		})
		synctest.Wait()
		for _, want := range []time.Duration{2 * time.Second, 3 * time.Second} {
			all.Go(func() {
				if err := h(t.Context(), order("3")); err != nil || time.Since(begin) != want {
					t.Errorf("after %v, want %v: %v", time.Since(begin), want, err)
				}
			})
			time.Sleep(700 * time.Millisecond)
		}
		all.Wait()
	})
}

func TestThrottleErrorText(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	early := bus.Chain(returning(new(int), nil), middleware.Throttle(1, 9))(ended, order("7"))
	if want := `middleware: event on "orders.created" throttled, the next turn is in 0s: context canceled`; early == nil || early.Error() != want {
		t.Errorf("%v", early)
	}
	err := &middleware.ThrottleError{Topic: "orders.created", Wait: time.Second, Err: context.Canceled}
	if want := `middleware: event on "orders.created" throttled, the next turn is in 1s: context canceled`; err.Error() != want {
		t.Errorf("%v", err)
	}
}

// TestThrottleByKeySeparates checks that keys do not wait for each other, and what is forgotten.
func TestThrottleByKeySeparates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := middleware.ThrottleByKey(1, 1, &middleware.ThrottleOptions{Keys: 2, Key: func(m *bus.Message) string { return m.Header("customer") }})
		h := bus.Chain(returning(new(int), nil), m)
		var took []string
		for _, customer := range []string{"ada", "bob", "ada", "bob", "", "", "ada", "bob", "ada"} {
			begin := time.Now()
			message := messageOf(bus.RoleWorker, "", topic.Metadata{Headers: map[string]string{"customer": customer}})
			if err := h(t.Context(), message); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begin).String())
		}
		// After the two without a customer, only bob is remembered beside them; then ada and bob, whose bursts are full.
		if want := []string{"0s", "0s", "1s", "0s", "0s", "1s", "0s", "0s", "1s"}; !slices.Equal(took, want) {
			t.Errorf("took %q, want %q", took, want)
		}
	})
}

// TestThrottleIsTheEventsKey checks the default.
func TestThrottleIsTheEventsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := bus.Chain(returning(new(int), nil), middleware.ThrottleByKey(1, 1, nil))
		begin := time.Now()
		for _, key := range []string{"ada", "bob", "eve", "ada"} {
			if err := h(t.Context(), messageOf(bus.RoleSubscriber, "", topic.Metadata{Key: key})); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestThrottleManyWorkers counts what passes in each second.
func TestThrottleManyWorkers(t *testing.T) {
	t.Parallel()
	for name, throttle := range throttles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := throttle(10, 5)
				begin := time.Now()
				var seconds [10]atomic.Int64
				var all sync.WaitGroup
				for range 16 {
					h := bus.Chain(func(context.Context, *bus.Message) error {
						seconds[int(time.Since(begin).Seconds()-0.0001)].Add(1)
						runtime.Gosched()
						return nil
					}, m)
					all.Go(func() {
						for range 5 {
							if err := h(t.Context(), order("7")); err != nil {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
				var got []int64
				for i := range seconds {
					got = append(got, seconds[i].Load())
				}
				if want := []int64{15, 10, 10, 10, 10, 10, 10, 5, 0, 0}; !slices.Equal(got, want) {
					t.Errorf("calls in each second: %v, want %v", got, want)
				}
			})
		})
	}
}

// TestThrottleOnThePublishSide checks that Publish waits.
func TestThrottleOnThePublishSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{middleware.Throttle(1, 1)}})
		begin := time.Now()
		for range 3 {
			if err := publish(t, b, "first"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestThrottleOptions(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			t.Parallel()
			checkRefused(t, middleware.Throttle(perSecond, 1), "middleware.Throttle perSecond")
			checkRefused(t, middleware.ThrottleByKey(perSecond, 1, nil), "middleware.ThrottleByKey perSecond")
		})
	}
	checkRefused(t, middleware.Throttle(1, 0), "middleware.Throttle burst")
	checkRefused(t, middleware.ThrottleByKey(1, -1, nil), "middleware.ThrottleByKey burst")
	for _, keys := range []int{-1, 1<<24 + 1} {
		checkRefused(t, middleware.ThrottleByKey(1, 1, &middleware.ThrottleOptions{Keys: keys}), "middleware.ThrottleOptions.Keys")
	}
}

// TestThrottleHardlyEver has a rate at which the next turn is in ten thousand years.
func TestThrottleHardlyEver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	h := bus.Chain(returning(new(int), nil), middleware.Throttle(math.SmallestNonzeroFloat64, 1))
	if err := h(ctx, order("7")); err != nil {
		t.Error(err)
	}
	var throttled *middleware.ThrottleError
	if err := h(ctx, order("7")); !errors.As(err, &throttled) || throttled.Wait < 100*365*24*time.Hour {
		t.Error(err)
	}
}
