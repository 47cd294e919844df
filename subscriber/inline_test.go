package subscriber_test

import (
	"context"
	"errors"
	"fmt"
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
)

// inline subscribes handler inline, under a name.
func inline[T any](t *testing.T, b *bus.Bus, sel topic.Selector[T], name string, handler func(context.Context, topic.Event[T]) error) *subscriber.Subscription {
	t.Helper()
	return subscribe(t, b, sel, handler, &subscriber.Options{Name: name, Inline: true})
}

// sequence is an inline handler that notes which events it gets, under a name.
func sequence[T any](d *diary[string], name string) func(context.Context, topic.Event[T]) error {
	return func(_ context.Context, e topic.Event[T]) error {
		d.note(fmt.Sprintf("%s %v#%d", name, e.Value, e.Seq()))
		return nil
	}
}

// The handler runs in the publisher's goroutine, when the event is in all queues, whatever the selector.
func TestInlineRunsInThePublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		busy := bustest.NewSubscriber[int](t, bustest.Block())
		queued := subscribe(t, b, numbers, busy.Handle, nil)
		dropping := subscribe(t, b, topic.NewPrefix[int]("n"), busy.Handle, &subscriber.Options{Overflow: bus.DropOldest})
		inline(t, b, numbers, "exact", func(context.Context, topic.Event[int]) error {
			d.note(fmt.Sprint("queued: ", queued.Stats().Matched, " ", dropping.Stats().Matched))
			time.Sleep(time.Second)
			return nil
		})
		inline(t, b, topic.NewPrefix[int]("num"), "prefix", sequence[int](d, "prefix"))
		inline(t, b, topic.NewPattern[int]("*"), "pattern", sequence[int](d, "pattern"))
		inline(t, b, topic.NewPattern[int]("*.eu"), "other", sequence[int](d, "other"))
		p, mine := newPublisher(t, b), newDiary[string]()
		publish(t, p, 7)
		mine.note("published")
		got := d.all()
		if len(got) != 3 || got[0] != "queued: 1 1" || got[1] != "prefix 7#1" || got[2] != "pattern 7#1" {
			t.Errorf("%v", got)
		}
		if took := mine.when()[0]; took != time.Second {
			t.Errorf("Publish returned after %v, want 1s", took)
		}
	})
}

// An inline subscription of another Go type gets the event decoded, and its decode error is the publisher's.
func TestInlineOfAnotherType(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	d := newDiary[string]()
	inline(t, b, numbers, "own", sequence[int](d, "own"))
	inline(t, b, topic.New[float64]("numbers"), "float", sequence[float64](d, "float"))
	p := newPublisher(t, b)
	publish(t, p, 3)
	strings := inline(t, b, topic.NewPrefix[string]("num"), "strings", sequence[string](d, "strings"))
	err := p.Publish(t.Context(), 4)
	var undecoded *bus.DecodeError
	if !errors.As(err, &undecoded) || undecoded.Type != "string" || undecoded.Seq != 2 {
		t.Errorf("%v", err)
	}
	if got := d.all(); !slices.Equal(got, []string{"own 3#1", "float 3#1", "own 4#2", "float 4#2"}) {
		t.Errorf("%v", got)
	}
	expect(t, "strings", strings.Stats(), subscriber.Stats{Failed: 1})
}

// The handler's context is that of the publish: its values, its end, and nothing of the subscription's.
func TestInlineContextIsThePublishers(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	type key struct{}
	var got any
	var before, after error
	ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "tenant"))
	var s *subscriber.Subscription
	s = inline(t, b, numbers, "inline", func(ctx context.Context, _ topic.Event[int]) error {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		got, before = ctx.Value(key{}), ctx.Err()
		cancel(errNo)
		after = context.Cause(ctx)
		return nil
	})
	if err := newPublisher(t, b).Publish(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if got != "tenant" || before != nil || after != errNo {
		t.Errorf("value %v, error %v before the publish's context ended and %v after", got, before, after)
	}
	<-s.Done()
	expect(t, "closed by its own handler", s.Stats(), subscriber.Stats{Succeeded: 1})
}

// Middleware wraps an inline handler too, and several publishers may be in it at once.
func TestMiddlewareAroundInline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDiary[string]()
		double := bus.Wrap("double", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				d.note(m.Header("tenant"))
				m.SetPayload([]byte("42"))
				err := next(ctx, m)
				if err != nil {
					err = fmt.Errorf("seen: %w", err)
				}
				return err
			}
		})
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{double}})
		s := inline(t, b, numbers, "inline", func(_ context.Context, e topic.Event[int]) error {
			time.Sleep(time.Second)
			d.note(fmt.Sprint(e.Header("tenant"), " ", e.Value))
			return errNo
		})
		p := newPublisher(t, b)
		results := make(chan error)
		for _, tenant := range []string{"acme", "umbrella"} {
			go func() { results <- p.Publish(context.Background(), 1, publisher.Header("tenant", tenant)) }()
		}
		synctest.Wait()
		expect(t, "two publishers at once", s.Stats(), subscriber.Stats{Running: 2})
		for range 2 {
			if err := <-results; !errors.Is(err, errNo) || !strings.HasSuffix(err.Error(), "inline: seen: no") {
				t.Error(err)
			}
		}
		if got := slices.Sorted(slices.Values(d.all())); !slices.Equal(got, []string{"acme", "acme 42", "umbrella", "umbrella 42"}) {
			t.Errorf("%v", got)
		}
	})
}
