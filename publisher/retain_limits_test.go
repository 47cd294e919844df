package publisher_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// Contract, sentence 13: what is retained comes however little room there is. Publishers wait, or their events are dropped, until it has been handled.
func TestRetainedWithoutRoom(t *testing.T) {
	t.Parallel()
	for _, policy := range []bus.Overflow{bus.Block, bus.DropNewest, bus.DropOldest, bus.Fail, bus.Latest} {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				bustest.AllowUndelivered(t, b)
				pub := newPublisher(t, b, byCustomer, &publisher.Options{Retain: publisher.RetainKeys})
				const keys = 600
				early, _ := attend(t, b, invoices, nil)
				for i := range keys {
					if err := pub.Publish(t.Context(), invoice{i, fmt.Sprint("c", i)}); err != nil {
						t.Fatal(err)
					}
				}
				late, s := attend(t, b, invoices, &subscriber.Options{Queue: 1, Overflow: policy}, bustest.Block())
				synctest.Wait()
				if policy == bus.Latest { // only the newest has a place
					late.Release()
					expect(t, "Latest", notes(late), notes(early)[keys-1:])
					return
				}
				if stats := s.Stats(); stats.Queued+stats.Running != keys || stats.Matched != keys || stats.Dropped != 0 {
					t.Errorf("%+v", stats)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := pub.Publish(ctx, invoice{keys, "late"})
				switch want := map[bus.Overflow]error{bus.Block: context.DeadlineExceeded, bus.Fail: bus.ErrFull}[policy]; {
				case !errors.Is(err, want):
					t.Errorf("%v, want %v", err, want)
				case want == nil && s.Stats().Dropped == 0:
					t.Errorf("nothing is dropped: %+v", s.Stats())
				}
				late.Release()
				got, all := notes(late), notes(early)
				want := all[:keys]
				if policy == bus.DropOldest {
					want = append(all[:1:1], all[len(all)-int(s.Stats().Succeeded)+1:]...)
				}
				expect(t, policy.String(), got, want)
			})
		})
	}
}

// RetainedKeys bounds the keys: the one published to least recently goes.
func TestRetainedKeys(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int][]int{0: {1, 3, 4, 5, 6}, 5: {1, 3, 4, 5, 6}, 4: {3, 4, 5, 6}, 3: {4, 5, 6}, 2: {5, 6}, 1: {6}} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			pub := newPublisher(t, b, byCustomer, &publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: limit})
			early, _ := attend(t, b, invoices, nil)
			for i, key := range []string{"ada", "bob", "cid", "dan", "bob", ""} {
				if err := pub.Publish(t.Context(), invoice{i, "none"}, publisher.Key(key)); err != nil {
					t.Fatal(err)
				}
			}
			late, _ := attend(t, b, invoices, nil)
			var events []string
			for _, nth := range want {
				events = append(events, notes(early)[nth-1])
			}
			expect(t, fmt.Sprint("with a limit of ", limit), notes(late), events)
		})
	}
}

// What no subscription has got is not retained; what one has refused by itself is.
func TestRetainedAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		failing := bus.Wrap("failing", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if m.Header("refuse") != "" {
					return errors.New("refused")
				}
				return next(ctx, m)
			}
		})
		pub := newPublisher(t, b, invoices, &publisher.Options{Retain: publisher.RetainLast, Middleware: []bus.Middleware{failing}})
		fail := errors.New("not today")
		attend(t, b, invoices, &subscriber.Options{Inline: true}, bustest.Always(bustest.Fail(fail)))
		full, _ := attend(t, b, topic.NewPrefix[invoice](""), nil)
		if err := pub.Publish(t.Context(), invoice{1, "ada"}); !errors.Is(err, fail) {
			t.Fatal(err)
		}
		if err := pub.Publish(t.Context(), invoice{2, "ada"}, publisher.Header("refuse", "1")); err == nil {
			t.Error("the middleware has not refused")
		}
		if err := pub.Publish(t.Context(), invoice{3, "ada"}, publisher.Header("content-type", "")); err == nil {
			t.Error("a reserved header was not refused")
		}
		attend(t, b, invoices, &subscriber.Options{Queue: 1, Overflow: bus.Fail}, bustest.Block())
		synctest.Wait() // it is at the event that is retained
		for i := range 2 {
			if err := pub.Publish(t.Context(), invoice{4, "ada"}); errors.Is(err, bus.ErrFull) != (i == 1) {
				t.Errorf("%d: %v", i, err)
			}
		}
		late, _ := attend(t, b, invoices, nil)
		expect(t, "the late one", notes(late), notes(full)[1:])
	})
}

// An event whose payload a middleware has set is retained like that, and one that does not encode for nobody of another type, which is logged.
func TestRetainedPayloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		o := &publisher.Options{Retain: publisher.RetainLast}
		set := &publisher.Options{Retain: publisher.RetainLast, Middleware: []bus.Middleware{setPayload(`{"Cents":6,"Customer":"eve"}`), setHeader("a", "1")}}
		for _, err := range []error{
			newPublisher(t, b, invoices, set).Publish(t.Context(), invoice{5, "ada"}),
			newPublisher(t, b, topic.New[chan int]("a").WithCodec(codec.JSON), o).Publish(t.Context(), nil),
			newPublisher(t, b, topic.New[any]("z"), o).Publish(t.Context(), map[string]any{}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		one, _ := attend(t, b, invoices, nil)
		other, _ := attend(t, b, topic.NewPrefix[any](""), nil)
		if typed, foreign := notes(one), notes(other); len(foreign) != 2 || len(typed) != 1 || foreign[0] != typed[0] {
			t.Errorf("%q, %q", typed, foreign)
		}
	})
}

// An inline subscription gets all that is retained, whatever it makes of it. As nobody publishes that, its errors are logged.
func TestRetainedInlineErrors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := zerolog.New(&out)
	b := bustest.New(t, &bus.Options{Logger: &log})
	pub := newPublisher(t, b, byCustomer, &publisher.Options{Retain: publisher.RetainKeys})
	for i, customer := range []string{"ada", "bob", "cid"} {
		if err := pub.Publish(t.Context(), invoice{i, customer}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := subscriber.New(b, invoices, func(_ context.Context, e topic.Event[invoice]) error {
		if e.Key() == "bob" {
			panic("no bob")
		}
		return fmt.Errorf("no %s", e.Key())
	}, &subscriber.Options{Inline: true})
	if err != nil {
		t.Fatal(err)
	}
	if stats := s.Stats(); stats.Failed != 3 || stats.Matched != 3 {
		t.Errorf("%+v", stats)
	}
	if got := out.String(); strings.Count(got, "\n") != 3 || !strings.Contains(got, "no ada") || !strings.Contains(got, "no bob") || !strings.Contains(got, "no cid") {
		t.Errorf("log: %s", got)
	}
}
