package publisher_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// attend subscribes a fake that does what the script says.
func attend[T any](t *testing.T, b *bus.Bus, sel topic.Selector[T], o *subscriber.Options, script ...bustest.Behavior) (*bustest.Subscriber[T], *subscriber.Subscription) {
	t.Helper()
	fake := bustest.NewSubscriber[T](t, script...)
	s, err := subscriber.New(b, sel, fake.Handle, o)
	if err != nil {
		t.Fatal(err)
	}
	return fake, s
}

// notes describes what a fake has got, and when that was published, when nothing is under way any more.
func notes[T any](fake *bustest.Subscriber[T]) (all []string) {
	synctest.Wait()
	for _, a := range fake.Seen() {
		all = append(all, fmt.Sprintf("%s at %d", describe(a.Event), a.Event.Time().Unix()%1000))
	}
	return all
}

// expect compares notes.
func expect(t *testing.T, who string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s got\n%q, want\n%q", who, got, want)
	}
}

// latecomers are all ways to come late. Each returns what tells of the notes.
var latecomers = map[string]func(t *testing.T, b *bus.Bus) func() []string{
	"topic":           with[invoice](invoices, subscriber.Options{}),
	"prefix":          with[invoice](topic.NewPrefix[invoice]("inv"), subscriber.Options{}),
	"pattern":         with[invoice](topic.NewPattern[invoice]("*.sent"), subscriber.Options{}),
	"another type":    with[any](topic.New[any](invoices.String()), subscriber.Options{}),
	"another, prefix": with[any](topic.NewPrefix[any](""), subscriber.Options{Workers: 1, Overflow: bus.DropOldest}),
	"Block":           with[invoice](invoices, subscriber.Options{Queue: 1, Overflow: bus.Block}),
	"DropOldest":      with[invoice](invoices, subscriber.Options{Queue: 4, Overflow: bus.DropOldest}),
	"DropNewest":      with[invoice](invoices, subscriber.Options{Queue: 4, Overflow: bus.DropNewest}),
	"Latest":          with[invoice](invoices, subscriber.Options{Queue: 4, Overflow: bus.Latest}),
	"Fail":            with[invoice](invoices, subscriber.Options{Queue: 4, Overflow: bus.Fail}),
	"group":           with[invoice](invoices, subscriber.Options{Group: "g"}),
	"Inline":          with[invoice](invoices, subscriber.Options{Inline: true}),
	"Inline, other":   with[any](topic.NewPrefix[any](""), subscriber.Options{Inline: true}),
	"Batch": func(t *testing.T, b *bus.Bus) func() []string {
		fake := bustest.NewSubscriber[invoice](t)
		_, err := subscriber.Batch(b, invoices, func(ctx context.Context, events []topic.Event[invoice]) error {
			for _, e := range events {
				_ = fake.Handle(ctx, e)
			}
			return nil
		}, &subscriber.BatchOptions{Size: 2, Linger: -1})
		if err != nil {
			t.Fatal(err)
		}
		return func() []string { return notes(fake) }
	},
}

func with[T any](sel topic.Selector[T], o subscriber.Options) func(*testing.T, *bus.Bus) func() []string {
	return func(t *testing.T, b *bus.Bus) func() []string {
		fake, _ := attend(t, b, sel, &o)
		return func() []string { return notes(fake) }
	}
}

// Contract, sentence 13: who subscribes late gets the last event, or the last of each key, as it was published, and before what comes later.
func TestRetained(t *testing.T) {
	t.Parallel()
	for name, late := range latecomers {
		for _, retain := range []publisher.Retain{publisher.RetainNone, publisher.RetainLast, publisher.RetainKeys} {
			t.Run(fmt.Sprint(name, " ", retain), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := bustest.New(t)
					early, _ := attend(t, b, invoices, nil)
					pub := newPublisher(t, b, byCustomer, &publisher.Options{Retain: retain})
					for _, v := range []invoice{{1, "ada"}, {2, "bob"}, {3, "eve"}, {4, "ada"}} {
						if err := pub.Publish(t.Context(), v, publisher.Header("tenant", "acme")); err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Second) // virtual
					}
					comes := late(t, b)
					if name == "Latest" {
						synctest.Wait() // or the event of another bob takes the place of the one that is retained
					}
					if err := pub.Publish(t.Context(), invoice{5, "bob"}); err != nil {
						t.Fatal(err)
					}
					all := notes(early)
					if len(all) != 5 {
						t.Fatalf("who was there from the beginning got %q", all)
					}
					from := map[publisher.Retain]int{publisher.RetainNone: 4, publisher.RetainLast: 3, publisher.RetainKeys: 1}[retain]
					expect(t, name, comes(), all[from:])
				})
			})
		}
	}
}

// Of a group the first member gets what is retained. When all have left, the next one is the first of another group.
func TestRetainedForGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		pub := newPublisher(t, b, invoices, &publisher.Options{Retain: publisher.RetainLast})
		if err := pub.Publish(t.Context(), invoice{1, "ada"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			fake := bustest.NewSubscriber[invoice](t)
			var members []*subscriber.Subscription
			for i := range 3 {
				s, err := subscriber.New(b, invoices, fake.Handle, &subscriber.Options{Group: "g"})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if members = append(members, s); s.Stats().Matched != uint64(1-min(i, 1)) {
					t.Errorf("member %d: %+v", i, s.Stats())
				}
			}
			if got := notes(fake); len(got) != 1 {
				t.Errorf("the group got %q", got)
			}
			for _, s := range members {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// What several publishers retain comes in the order in which it was published, whoever published it, to which topic and as which type.
func TestRetainedOfSeveralPublishers(t *testing.T) {
	t.Parallel()
	for _, other := range []string{invoices.String(), "invoices.paid", "a"} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			o := &publisher.Options{Retain: publisher.RetainKeys}
			first, third := newPublisher(t, b, byCustomer, o), newPublisher(t, b, byCustomer, o)
			second := newPublisher(t, b, topic.New[any](other).WithKey(func(v any) string { return v.(map[string]any)["Customer"].(string) }), o)
			early, _ := attend(t, b, topic.NewPrefix[any](""), nil)
			for i, err := range []error{
				third.Publish(t.Context(), invoice{1, "ada"}),
				second.Publish(t.Context(), map[string]any{"Cents": 2, "Customer": "bob"}),
				first.Publish(t.Context(), invoice{3, "cid"}),
				third.Publish(t.Context(), invoice{4, "ada"}),
				second.Publish(t.Context(), map[string]any{"Cents": 5, "Customer": "dan"}),
				first.Publish(t.Context(), invoice{6, "eve"}),
			} {
				if err != nil {
					t.Errorf("%d: %v", i+1, err)
				}
			}
			typed, _ := attend(t, b, topic.NewPrefix[invoice](""), nil)
			foreign, _ := attend(t, b, topic.NewPrefix[any](""), nil)
			all := notes(early)
			expect(t, "the prefix", notes(typed), all[1:])
			expect(t, "the prefix of another type", notes(foreign), all[1:])
		})
	}
}

// Members that join at the same time, while somebody publishes, get everything once and in order.
func TestRetainedForMembersAtOnce(t *testing.T) {
	t.Parallel()
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			pub := newPublisher(t, b, byCustomer, &publisher.Options{Retain: publisher.RetainLast})
			if err := pub.Publish(t.Context(), invoice{1, "ada"}); err != nil {
				t.Fatal(err)
			}
			fake := bustest.NewSubscriber[invoice](t)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := subscriber.New(b, invoices, fake.Handle, &subscriber.Options{Group: "g"}); err != nil {
						t.Error(err)
					}
				})
			}
			for i := range 19 {
				if err := pub.Publish(t.Context(), invoice{i, "ada"}); err != nil {
					t.Error(err)
				}
				runtime.Gosched()
			}
			wg.Wait()
			synctest.Wait()
			got := fake.Seen()
			for i := 1; i < len(got); i++ {
				if got[i].Event.Seq() != got[i-1].Event.Seq()+1 {
					t.Errorf("got %v", got)
				}
			}
			if len(got) == 0 || got[len(got)-1].Event.Seq() != 20 {
				t.Errorf("got %v, want all up to 20", got)
			}
		})
	}
}
