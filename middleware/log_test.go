package middleware_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// took is what a handler of these tests takes, by the clock of the bubble, in the milliseconds of the log.
const took = 250

// slowly returns err after a while.
func slowly(err error) error {
	<-time.After(took * time.Millisecond)
	return err
}

func TestLogOnTheSubscribeSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{middleware.Log(log, nil)}})
		sub := handle(t, b, func(value string) error {
			if value == "bad" {
				return slowly(errNoStock)
			}
			return slowly(nil)
		})
		for _, value := range []string{"good", "bad"} {
			if err := publish(t, b, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
			t.Fatal(err)
		}
		checkLog(t, logged(), []entry{
			{Level: "debug", Message: "event passed", Topic: "orders.created", Seq: 1, Role: "subscriber"},
			{Level: "error", Message: "event failed", Topic: "orders.created", Seq: 2, Role: "subscriber", Error: "no stock left"},
		}, took)
		if s := sub.Stats(); s.Failed != 1 || s.Succeeded != 1 {
			t.Errorf("Log changed what the handler returned: stats %+v", s)
		}
	})
}

// TestLogOnThePublishSide checks what is special there: an event has a number only when it was published.
func TestLogOnThePublishSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{middleware.Log(log, nil)}})
		refuse := bus.Wrap("refuse", func(bus.Handler) bus.Handler {
			return func(context.Context, *bus.Message) error { return slowly(errNoStock) }
		})
		if err := publish(t, b, "first"); err != nil {
			t.Fatal(err)
		}
		if err := publish(t, b, "second", refuse); err != errNoStock {
			t.Errorf("Log changed the error to %v", err)
		}
		entries := logged()
		checkLog(t, entries[:1], []entry{{Level: "debug", Message: "event passed", Topic: "orders.created", Seq: 1, Role: "publisher"}}, 0)
		failed := entry{Level: "error", Message: "event failed", Topic: "orders.created", Role: "publisher", Error: "no stock left"}
		checkLog(t, entries[1:], []entry{failed}, took)
	})
}

func TestLogKeepsTheLevelOfItsLogger(t *testing.T) {
	t.Parallel()
	log, logged := logger(t)
	chain := middleware.Log(log.Level(zerolog.InfoLevel), nil)
	b := bustest.New(t)
	if err := publish(t, b, "first", chain); err != nil {
		t.Fatal(err)
	}
	if got := logged(); len(got) != 0 {
		t.Errorf("a success was logged: %+v", got)
	}
}

// checkLog compares entries, all with the given duration in milliseconds.
func checkLog(t *testing.T, got, want []entry, took float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(got), len(want), got)
	}
	for i, e := range got {
		if e.Took == nil || *e.Took != took {
			t.Errorf("entry %d took %v, want %v", i, e.Took, took)
		}
		if e.Took = nil; e != want[i] {
			t.Errorf("entry %d is %+v, want %+v", i, e, want[i])
		}
	}
}

// TestLogSamples has 20 events of each kind, and samplers that take one of ten.
func TestLogSamples(t *testing.T) {
	t.Parallel()
	tenth := func() zerolog.Sampler { return &zerolog.BasicSampler{N: 10} }
	for name, tc := range map[string]struct {
		logger                   zerolog.Sampler
		options                  *middleware.LogOptions
		passed, filtered, failed int
	}{
		"all":              {nil, nil, 20, 20, 20},
		"successes":        {nil, &middleware.LogOptions{Sampler: tenth()}, 2, 2, 20},
		"errors":           {nil, &middleware.LogOptions{ErrorSampler: tenth()}, 20, 20, 2},
		"both":             {nil, &middleware.LogOptions{Sampler: tenth(), ErrorSampler: tenth()}, 2, 2, 2},
		"by the logger":    {tenth(), nil, 2, 2, 20},
		"not as the other": {tenth(), &middleware.LogOptions{Sampler: &zerolog.BasicSampler{N: 1}}, 20, 20, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, logged := logger(t)
			if tc.logger != nil {
				log = log.Sample(tc.logger)
			}
			m := middleware.Log(log, tc.options)
			for _, want := range []error{nil, bus.ErrFiltered, errNoStock} {
				for range 20 {
					if err := call(t.Context(), func(context.Context) error { return want }, m); err != want {
						t.Errorf("Log changed the error to %v", err)
					}
				}
			}
			got := map[string]int{}
			for _, e := range logged() {
				got[e.Level+": "+e.Message]++
			}
			if got["debug: event passed"] != tc.passed || got["debug: event filtered"] != tc.filtered || got["error: event failed"] != tc.failed || len(got) != 3 {
				t.Errorf("logged %v, want %d, %d, %d", got, tc.passed, tc.filtered, tc.failed)
			}
		})
	}
}

// TestLogTellsAttempts has an event with one line, whatever is tried for it further inside.
func TestLogTellsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		attempts := 0
		err := call(t.Context(), func(context.Context) error {
			if attempts++; attempts == 1 {
				return errNoStock
			}
			return nil
		}, middleware.Log(log, nil), middleware.Retry(&middleware.RetryOptions{Jitter: never}))
		if err != nil {
			t.Error(err)
		}
		checkLog(t, logged(), []entry{{Level: "debug", Message: "event passed", Topic: "orders.created", Role: "subscriber", Attempt: 2}}, 100)
	})
}

func TestLogAllocations(t *testing.T) { // not parallel: it counts allocations
	for level, err := range map[zerolog.Level]error{zerolog.InfoLevel: nil, zerolog.ErrorLevel: bus.ErrFiltered, zerolog.Disabled: errNoStock} {
		if n := allocations(t, message(topic.Metadata{}), err, middleware.Log(zerolog.New(io.Discard).Level(level), nil)); n != 0 {
			t.Errorf("%v at level %v: %v allocations", err, level, n)
		}
	}
}
