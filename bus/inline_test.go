package bus_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// Sentence 11: for events from the transport the receiving goroutine calls inline handlers, one event after the other, and after the queues.
// What they return is logged and counted.
func TestInlineForEventsFromTransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		queued := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			<-ctx.Done()
			return nil
		}, nil)
		var got []string
		inline := subscribe(t, b, topic.NewPrefix[int]("n"), func(_ context.Context, e topic.Event[int]) error {
			got = append(got, fmt.Sprint(e, " of ", queued.Stats().Matched))
			if e.Value == 2 {
				return errors.New("no two")
			}
			time.Sleep(time.Second)
			return nil
		}, &subscriber.Options{Inline: true})
		for i, payload := range []string{"1", "2", "not a number", "3"} {
			f.receive(alpha, uint64(i+1), "numbers", payload)
		}
		synctest.Wait()
		if s := inline.Stats(); s.Running != 1 || s.Matched != 1 {
			t.Errorf("while the first is handled: %+v", s)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !slices.Equal(got, []string{"numbers#1 1 of 1", "numbers#2 2 of 2", "numbers#4 3 of 4"}) {
			t.Errorf("got %q", got)
		}
		if s := inline.Stats(); s.Succeeded != 2 || s.Failed != 2 || s.Matched != 4 {
			t.Errorf("%+v, want 2 succeeded, 2 failed", s)
		}
	})
}

// Sentence 11: messages without a topic come to inline subscriptions with a prefix, and to no others.
func TestInlineForBareMessages(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		got := map[string]string{}
		for _, sel := range []topic.Selector[string]{topic.NewPrefix[string]("10001").WithCodec(codec.String), topic.New[string]("10001").WithCodec(codec.String)} {
			subscribe(t, b, sel, func(_ context.Context, e topic.Event[string]) error {
				got[fmt.Sprintf("%T", sel)] += e.Topic() + ": " + e.Value
				return nil
			}, &subscriber.Options{Inline: true})
		}
		f.incoming <- transport.Message{Bare: true, Payload: [][]byte{[]byte("10001 -5")}}
		synctest.Wait()
		if len(got) != 1 || got["topic.Prefix[string]"] != "10001: 10001 -5" {
			t.Errorf("got %q", got)
		}
	})
}

// Sentences 5 and 11: an inline handler that ends the receiving goroutine counts as failed; the other handlers get the event, and the bus goes
// on receiving.
func TestGoexitInInlineHandlerOfReceivedEvent(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		var got []string
		note := func(name string) func(context.Context, topic.Event[int]) error {
			return func(_ context.Context, e topic.Event[int]) error {
				got = append(got, fmt.Sprint(name, e.Value))
				if name == "exits" {
					runtime.Goexit()
				}
				return nil
			}
		}
		var subs []*subscriber.Subscription
		for _, name := range []string{"before", "exits", "after"} {
			subs = append(subs, subscribe(t, b, numbers, note(name), &subscriber.Options{Inline: true}))
		}
		f.receive(alpha, 1, "numbers", "1")
		synctest.Wait()
		f.receive(alpha, 2, "numbers", "2")
		f.receive(alpha, 3, "numbers", "3")
		synctest.Wait()
		want := []string{"before1", "exits1", "after1", "before2", "exits2", "after2", "before3", "exits3", "after3"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		for i, s := range subs {
			if stats := s.Stats(); stats.Matched != 3 || stats.Failed != 3*uint64(i%2) || stats.Running != 0 {
				t.Errorf("%d: %+v", i, stats)
			}
		}
		if err := b.Shutdown(within(t, time.Second)); err != nil {
			t.Error(err)
		}
	})
}

// Sentences 9 and 11: an inline handler of a received event may publish while Shutdown waits for it, and may begin Shutdown itself.
func TestShutdownDuringInlineHandlerOfReceivedEvent(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		say := newPublisher(t, b, words)
		r := bustest.Record(t, b, words)
		var begun, published error
		subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			begun = b.Shutdown(ctx)
			time.Sleep(time.Second)
			published = say.Publish(ctx, "word")
			return nil
		}, &subscriber.Options{Inline: true})
		f.receive(alpha, 1, "numbers", "1")
		<-b.Done()
		if !errors.Is(begun, bus.ErrInHandler) || published != nil || len(r.All()) != 1 {
			t.Errorf("Shutdown in the handler returned %v, Publish %v; %d words came", begun, published, len(r.All()))
		}
	})
}

// Sentence 11: on a bus with a transport inline handlers get the value of publishers of their own type as it is, and their errors come back
// after the event was sent; what the transport refuses they never see.
func TestInlineOnABusWithTransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		sent := -1
		s := subscribe(t, b, topic.NewPrefix[int](""), func(context.Context, topic.Event[int]) error {
			sent = len(f.sent())
			return errors.New("no")
		}, &subscriber.Options{Inline: true})
		var failed *bus.InlineError
		if err := newPublisher(t, b, numbers).Publish(t.Context(), 1); !errors.As(err, &failed) || sent != 1 {
			t.Errorf("%v, after %d events were sent", err, sent)
		}
		if err := newPublisher(t, b, topic.New[int]("refused")).Publish(t.Context(), 1); !errors.Is(err, errRefused) || errors.As(err, &failed) && failed.Topic == "refused" {
			t.Error(err)
		}
		away, err := publisher.New(b, numbers, &publisher.Options{Remote: true})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, t.Context(), away, 2)
		if stats := s.Stats(); stats.Matched != 1 || b.Stats().Refused != 1 {
			t.Errorf("%+v, %+v", stats, b.Stats())
		}
	})
}

// A group is refused on a bus whose transport has no groups, unless it says that it is one of this bus; then it shares received events.
func TestGroupsAndTransports(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		ignore := func(context.Context, topic.Event[int]) error { return nil }
		_, err := subscriber.New(b, numbers, ignore, &subscriber.Options{Group: "g"})
		var unsupported *bus.UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Feature != "subscriber.Options.Group" || unsupported.Reason == "" {
			t.Errorf("a group that spans processes: %v", err)
		}
		f.set(func() {
			if len(f.prefixes) > 0 {
				t.Errorf("the transport has heard of %v", f.prefixes)
			}
		})
		o := &subscriber.Options{Group: "g", LocalGroup: true}
		one, other := subscribe(t, b, numbers, ignore, o), subscribe(t, b, numbers, ignore, o)
		for i := range uint64(10) {
			f.receive(alpha, i+1, "numbers", "1")
		}
		publish(t, t.Context(), newPublisher(t, b, numbers), 1)
		synctest.Wait()
		if a, b := one.Stats(), other.Stats(); a.Matched+b.Matched != 11 || a.Succeeded+b.Succeeded != 11 {
			t.Errorf("%+v and %+v, want 11 in all", a, b)
		}
		_, err = subscriber.New(b, numbers, ignore, &subscriber.Options{LocalGroup: true})
		var option *bus.OptionError
		if !errors.As(err, &option) || option.Field != "subscriber.Options.LocalGroup" {
			t.Errorf("LocalGroup without a group: %v", err)
		}
	})
}
