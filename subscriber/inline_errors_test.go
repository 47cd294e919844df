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
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// Errors come back from Publish, joined. The event counts as published, and every subscription has got it. ErrFiltered is no error.
func TestInlineErrorsComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		errOther := errors.New("other")
		r := bustest.Record(t, b, numbers)
		fails := func(err error) func(context.Context, topic.Event[int]) error {
			return func(context.Context, topic.Event[int]) error { return err }
		}
		one := inline(t, b, numbers, "one", fails(errNo))
		panics := inline(t, b, numbers, "two", func(context.Context, topic.Event[int]) error { panic(errOther) })
		unwanted := inline(t, b, numbers, "three", fails(fmt.Errorf("not this one: %w", bus.ErrFiltered)))
		fine := inline(t, b, numbers, "four", ignore)
		err := newPublisher(t, b).Publish(t.Context(), 1)
		var first *bus.InlineError
		var panicked *bus.PanicError
		if !errors.As(err, &first) || first.Topic != "numbers" || first.Subscription != "one" || first.Err != errNo {
			t.Errorf("the first is %v", first)
		}
		if !errors.Is(err, errOther) || !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "inline_errors_test.go") {
			t.Errorf("no panic with its stack in %v", err)
		}
		want := `bus: event on "numbers" in inline subscription one: no` + "\n" + `bus: event on "numbers" in inline subscription two: bus: panic in handler: other`
		if err.Error() != want || errors.Is(err, bus.ErrFiltered) {
			t.Errorf("%v\nwant %v", err, want)
		}
		if r.Wait(1); b.Stats().Published != 1 || b.Stats().Refused != 0 {
			t.Errorf("%+v", b.Stats())
		}
		expect(t, "one", one.Stats(), subscriber.Stats{Failed: 1})
		expect(t, "two", panics.Stats(), subscriber.Stats{Failed: 1})
		expect(t, "three", unwanted.Stats(), subscriber.Stats{Filtered: 1})
		expect(t, "four", fine.Stats(), subscriber.Stats{Succeeded: 1})
	})
}

// PublishBatch goes on after errors of inline handlers, and returns them all.
func TestInlineErrorsOfABatch(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	inline(t, b, numbers, "odd", func(_ context.Context, e topic.Event[int]) error {
		if e.Value%2 == 1 {
			return fmt.Errorf("odd %d", e.Value)
		}
		return nil
	})
	n, err := newPublisher(t, b).PublishBatch(t.Context(), []int{1, 2, 3})
	if n != 3 || err == nil || !strings.Contains(err.Error(), "odd 1") || !strings.Contains(err.Error(), "odd 3") {
		t.Errorf("%d published, %v", n, err)
	}
	if s := b.Stats(); s.Published != 3 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// A publish middleware that fails because another event's inline handler has failed has not delivered its own: that is refused.
func TestInlineErrorOfAnotherTopicIsARefusal(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	audit := publisherOf(t, b, topic.New[int]("audit"))
	inline(t, b, audit.Topic(), "audit", func(context.Context, topic.Event[int]) error { return errNo })
	p, err := publisher.New(b, numbers, &publisher.Options{Middleware: []bus.Middleware{bus.Wrap("audit first", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := audit.Publish(ctx, 1); err != nil {
				return err
			}
			return next(ctx, m)
		}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.PublishBatch(t.Context(), []int{1, 2})
	if n != 0 || !errors.Is(err, errNo) {
		t.Errorf("%d published, %v", n, err)
	}
	if s := b.Stats(); s.Published != 1 || s.Refused != 1 {
		t.Errorf("%+v, want 1 published, on audit, and 1 refused", s)
	}
}

// A handler that ends the publisher's goroutine counts as failed, and those after it are called all the same, of other Go types as well.
func TestGoexitInInlineHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		logger := zerolog.New(&out)
		b := bustest.New(t, &bus.Options{Logger: &logger})
		d := newDiary[string]()
		before := inline(t, b, numbers, "before", sequence[int](d, "before"))
		exits := func(context.Context, topic.Event[int]) error { runtime.Goexit(); return nil }
		bad := []*subscriber.Subscription{inline(t, b, numbers, "exits", exits), inline(t, b, topic.NewPrefix[int](""), "exits too", exits)}
		after := inline(t, b, numbers, "after", sequence[int](d, "after"))
		p := newPublisher(t, b)
		ended := make(chan struct{})
		publishes := func() {
			go func() {
				defer close(ended)
				_ = p.Publish(context.Background(), 5)
				t.Error("Publish has returned")
			}()
			<-ended
			ended = make(chan struct{})
		}
		publishes()
		foreign := inline(t, b, topic.New[float64]("numbers"), "foreign", sequence[float64](d, "foreign"))
		publishes()
		if got := d.all(); !slices.Equal(got, []string{"before 5#1", "after 5#1", "before 5#2", "after 5#2", "foreign 5#2"}) {
			t.Errorf("%v", got)
		}
		for _, s := range bad {
			expect(t, "one that exits", s.Stats(), subscriber.Stats{Failed: 2})
		}
		if log := out.String(); strings.Count(log, "event failed") != 4 || strings.Count(log, "the handler has ended its goroutine") != 4 {
			t.Errorf("logged %s", log)
		}
		for _, s := range []*subscriber.Subscription{before, after} {
			expect(t, "another", s.Stats(), subscriber.Stats{Succeeded: 2})
		}
		expect(t, "that of another type", foreign.Stats(), subscriber.Stats{Succeeded: 1})
		if err := b.Shutdown(within(t, time.Second)); err != nil {
			t.Error(err)
		}
	})
}
