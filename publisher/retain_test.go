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

// notes are what a subscription has got, and when that was published.
type notes struct {
	mu  sync.Mutex
	all []string
}

// note returns a handler that notes events.
func note[T any](n *notes) func(context.Context, topic.Event[T]) error {
	return func(_ context.Context, e topic.Event[T]) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.all = append(n.all, fmt.Sprintf("%s at %d", describe(e), e.Time().Unix()%1000))
		return nil
	}
}

func (n *notes) expect(t *testing.T, who string, want []string) {
	t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.all, want) {
		t.Errorf("%s got\n%q, want\n%q", who, n.all, want)
	}
}

// attend subscribes for notes.
func attend[T any](t *testing.T, b *bus.Bus, sel topic.Selector[T], o *subscriber.Options) *notes {
	t.Helper()
	n := &notes{}
	if _, err := subscriber.New(b, sel, note[T](n), o); err != nil {
		t.Fatal(err)
	}
	return n
}

// latecomers are all ways to come late.
var latecomers = map[string]func(t *testing.T, b *bus.Bus) *notes{
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
	"Batch": func(t *testing.T, b *bus.Bus) *notes {
		n := &notes{}
		_, err := subscriber.Batch(b, invoices, func(ctx context.Context, events []topic.Event[invoice]) error {
			for _, e := range events {
				_ = note[invoice](n)(ctx, e)
			}
			return nil
		}, &subscriber.BatchOptions{Size: 2, Linger: -1})
		if err != nil {
			t.Fatal(err)
		}
		return n
	},
}

func with[T any](sel topic.Selector[T], o subscriber.Options) func(*testing.T, *bus.Bus) *notes {
	return func(t *testing.T, b *bus.Bus) *notes { return attend(t, b, sel, &o) }
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
					early := attend(t, b, invoices, nil)
					pub := newPublisher(t, b, byCustomer, &publisher.Options{Retain: retain})
					for _, v := range []invoice{{1, "ada"}, {2, "bob"}, {3, "eve"}, {4, "ada"}} {
						if err := pub.Publish(t.Context(), v, publisher.Header("tenant", "acme")); err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Second) // virtual
					}
					n := late(t, b)
					if name == "Latest" {
						synctest.Wait() // or the event of another bob takes the place of the one that is retained
					}
					if err := pub.Publish(t.Context(), invoice{5, "bob"}); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					want := map[publisher.Retain][]string{
						publisher.RetainNone: early.all[4:], publisher.RetainLast: early.all[3:], publisher.RetainKeys: early.all[1:],
					}[retain]
					n.expect(t, name, want)
					if len(early.all) != 5 {
						t.Errorf("who was there from the beginning got %q", early.all)
					}
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
			n := &notes{}
			var members []*subscriber.Subscription
			for i := range 3 {
				s, err := subscriber.New(b, invoices, note[invoice](n), &subscriber.Options{Group: "g"})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if members = append(members, s); s.Stats().Matched != uint64(1-min(i, 1)) {
					t.Errorf("member %d: %+v", i, s.Stats())
				}
			}
			if synctest.Wait(); len(n.all) != 1 {
				t.Errorf("the group got %q", n.all)
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
			early := attend(t, b, topic.NewPrefix[any](""), nil)
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
			typed, foreign := attend(t, b, topic.NewPrefix[invoice](""), nil), attend(t, b, topic.NewPrefix[any](""), nil)
			synctest.Wait()
			typed.expect(t, "the prefix", early.all[1:])
			foreign.expect(t, "the prefix of another type", early.all[1:])
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
			var mu sync.Mutex
			var got []uint64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := subscriber.New(b, invoices, func(_ context.Context, e topic.Event[invoice]) error {
						mu.Lock()
						defer mu.Unlock()
						got = append(got, e.Seq())
						return nil
					}, &subscriber.Options{Group: "g"}); err != nil {
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
			for i := 1; i < len(got); i++ {
				if got[i] != got[i-1]+1 {
					t.Errorf("got %v", got)
				}
			}
			if len(got) == 0 || got[len(got)-1] != 20 {
				t.Errorf("got %v, want all up to 20", got)
			}
		})
	}
}
