package subscriber_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// outcome runs a handler on one batch of four events, 0 to 3, after the middleware, and returns the counters and the lines of the log.
func outcome(t *testing.T, handler func(context.Context, []topic.Event[int]) error, chain ...bus.Middleware) (stats subscriber.Stats, log []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logger := zerolog.New(&out)
		b := bustest.New(t, &bus.Options{Logger: &logger})
		s := batch(t, b, numbers, handler, &subscriber.BatchOptions{Options: subscriber.Options{Middleware: chain}, Size: 4, Linger: time.Second})
		p := newPublisher(t, b)
		publish(t, p, 0, 1, 2, 3)
		synctest.Wait()
		stats = s.Stats()
		if out.Len() > 0 {
			log = strings.Split(strings.TrimSpace(out.String()), "\n")
		}
	})
	return stats, log
}

// The handler's error says which events have failed, or that all have. ErrFiltered is counted as that, and not logged.
func TestBatchHandlerErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func() error
		want subscriber.Stats
		log  []string // what the lines have
	}{
		"nil":      {func() error { return nil }, subscriber.Stats{Succeeded: 4}, nil},
		"error":    {func() error { return errNo }, subscriber.Stats{Failed: 4}, []string{`"no"`, `"no"`, `"no"`, `"no"`}},
		"filtered": {func() error { return fmt.Errorf("none: %w", bus.ErrFiltered) }, subscriber.Stats{Filtered: 4}, nil},
		"some": {func() error {
			return fmt.Errorf("saving: %w", &bus.BatchError{Failed: map[int]error{0: errNo, 2: bus.ErrFiltered}})
		}, subscriber.Stats{Succeeded: 2, Failed: 1, Filtered: 1}, []string{`"error":"no","subscription":"numbers","topic":"numbers","seq":1`}},
		"none": {func() error { return &bus.BatchError{} }, subscriber.Stats{Succeeded: 4}, nil},
		"beyond": {func() error {
			return &bus.BatchError{Failed: map[int]error{1: bus.ErrFiltered, 4: errNo}}
		}, subscriber.Stats{Failed: 4}, slices.Repeat([]string{"index 4 of the BatchError is not one of the 4 events"}, 4)},
		"negative": {func() error {
			return &bus.BatchError{Failed: map[int]error{-1: errNo}}
		}, subscriber.Stats{Failed: 4}, slices.Repeat([]string{"index -1 of the BatchError is not one of the 4 events"}, 4)},
		"panic":  {func() error { panic("on purpose") }, subscriber.Stats{Failed: 4}, []string{"batch_outcome_test.go"}},
		"goexit": {func() error { runtime.Goexit(); return nil }, subscriber.Stats{Failed: 4}, []string{`"error":"subscriber: the handler has ended its goroutine","subscription":"numbers","topic":"numbers","seq":1`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stats, log := outcome(t, func(context.Context, []topic.Event[int]) error { return tc.end() })
			expect(t, name, stats, tc.want)
			if !slices.EqualFunc(log, tc.log, strings.Contains) {
				t.Errorf("log %q, want lines with %q", log, tc.log)
			}
		})
	}
}

// After a batch that has panicked, or ended its goroutine, the next one is handled, and has nothing of that before.
func TestBatchAfterAFailedOne(t *testing.T) {
	t.Parallel()
	for what, fail := range map[string]func(){"panic": func() { panic("on purpose") }, "goexit": runtime.Goexit} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			d := newDiary[string]()
			s := batch(t, b, numbers, func(_ context.Context, events []topic.Event[int]) error {
				d.note(values(events))
				if events[0].Value == 1 {
					fail()
				}
				return nil
			}, &subscriber.BatchOptions{Size: 2})
			publish(t, newPublisher(t, b), 1, 2, 3, 4, 5)
			shutdown(t, b)
			if got := d.all(); !slices.Equal(got, []string{"[1 2]", "[3 4]", "[5]"}) {
				t.Errorf("%s: %v", what, got)
			}
			expect(t, what, s.Stats(), subscriber.Stats{Failed: 2, Succeeded: 3})
		})
	}
}

// Middleware sees each event before it comes into the batch. What it refuses is not in it, whether it refuses before or after next; what it
// multiplies is, several times, and fails once.
func TestMiddlewareBeforeTheBatch(t *testing.T) {
	t.Parallel()
	only := func(f func(ctx context.Context, m *bus.Message, next bus.Handler) error) bus.Middleware {
		return bus.Wrap("only the second", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if m.Seq() != 2 {
					return next(ctx, m)
				}
				return f(ctx, m, next)
			}
		})
	}
	afterwards := func(err error) func(context.Context, *bus.Message, bus.Handler) error {
		return func(ctx context.Context, m *bus.Message, next bus.Handler) error {
			return errors.Join(next(ctx, m), err)
		}
	}
	for name, tc := range map[string]struct {
		f     func(ctx context.Context, m *bus.Message, next bus.Handler) error
		batch string
		err   error
		want  subscriber.Stats
		lines int
	}{
		"drops":          {func(context.Context, *bus.Message, bus.Handler) error { return bus.ErrFiltered }, "[0 2 3]", nil, subscriber.Stats{Succeeded: 3, Filtered: 1}, 0},
		"swallows":       {func(context.Context, *bus.Message, bus.Handler) error { return nil }, "[0 2 3]", nil, subscriber.Stats{Succeeded: 4}, 0},
		"fails":          {func(context.Context, *bus.Message, bus.Handler) error { return errNo }, "[0 2 3]", nil, subscriber.Stats{Succeeded: 3, Failed: 1}, 1},
		"panics":         {func(context.Context, *bus.Message, bus.Handler) error { panic(errNo) }, "[0 2 3]", nil, subscriber.Stats{Succeeded: 3, Failed: 1}, 1},
		"fails after":    {afterwards(errNo), "[0 2 3]", nil, subscriber.Stats{Succeeded: 3, Failed: 1}, 1},
		"drops after":    {afterwards(bus.ErrFiltered), "[0 2 3]", nil, subscriber.Stats{Succeeded: 3, Filtered: 1}, 0},
		"fails, indices": {func(context.Context, *bus.Message, bus.Handler) error { return errNo }, "[0 2 3]", &bus.BatchError{Failed: map[int]error{2: bus.ErrFiltered}}, subscriber.Stats{Succeeded: 2, Filtered: 1, Failed: 1}, 1},
		"doubles": {func(ctx context.Context, m *bus.Message, next bus.Handler) error {
			return errors.Join(next(ctx, m), next(ctx, m))
		}, "[0 1 1 2 3]", &bus.BatchError{Failed: map[int]error{1: errNo, 2: bus.ErrFiltered, 4: errNo}}, subscriber.Stats{Succeeded: 2, Failed: 2}, 2},
		"changes": {func(ctx context.Context, m *bus.Message, next bus.Handler) error {
			m.SetPayload([]byte("42"))
			return next(ctx, m)
		}, "[0 42 2 3]", nil, subscriber.Stats{Succeeded: 4}, 0},
		"breaks": {func(ctx context.Context, m *bus.Message, next bus.Handler) error {
			m.SetPayload([]byte("{"))
			return next(ctx, m)
		}, "[0 2 3]", nil, subscriber.Stats{Succeeded: 3, Failed: 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			stats, log := outcome(t, func(_ context.Context, events []topic.Event[int]) error {
				got = append(got, values(events))
				return tc.err
			}, only(tc.f))
			if !slices.Equal(got, []string{tc.batch}) || len(log) != tc.lines {
				t.Errorf("batches %v, want %v; log %q", got, tc.batch, log)
			}
			expect(t, name, stats, tc.want)
		})
	}
}

// A batch of which nothing is left does not come to the handler.
func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	stats, _ := outcome(t, func(_ context.Context, events []topic.Event[int]) error {
		t.Errorf("called with %v", events)
		return nil
	}, bus.Wrap("nothing", func(bus.Handler) bus.Handler {
		return func(context.Context, *bus.Message) error { return bus.ErrFiltered }
	}))
	expect(t, "nothing left", stats, subscriber.Stats{Filtered: 4})
}

// An event that does not decode fails alone, and the indices of a BatchError are those of the others.
func TestUndecodableEventInABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		s := batch(t, b, numbers, func(_ context.Context, events []topic.Event[int]) error {
			d.note(values(events))
			return &bus.BatchError{Failed: map[int]error{1: bus.ErrFiltered}}
		}, &subscriber.BatchOptions{Size: 4})
		p, err := publisher.New(b, topic.New[string]("numbers").WithCodec(codec.As("application/json", codec.String)), nil)
		if err != nil {
			t.Fatal(err)
		}
		publish(t, p, "1", "two", "3", "4")
		synctest.Wait()
		if got := d.all(); !slices.Equal(got, []string{"[1 3 4]"}) {
			t.Errorf("%v", got)
		}
		expect(t, "all", s.Stats(), subscriber.Stats{Succeeded: 2, Failed: 1, Filtered: 1})
	})
}
