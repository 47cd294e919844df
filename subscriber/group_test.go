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
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// member subscribes to orders as one of a group that notes who handled what, a second each.
func member(t *testing.T, b *bus.Bus, name string, d *diary[string], o subscriber.Options) *subscriber.Subscription {
	t.Helper()
	o.Name, o.Group = name, "g"
	return subscribe(t, b, orders, func(_ context.Context, e topic.Event[order]) error {
		time.Sleep(time.Second)
		d.note(fmt.Sprint(name, " ", e.Key(), e.Value.N))
		return nil
	}, &o)
}

// Each event goes to one member, in parallel, and a subscription outside of the group gets them all. The counters of the members add up
// to what came for the group.
func TestGroupShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		outside := bustest.Record(t, b, orders)
		var members []*subscriber.Subscription
		for _, name := range []string{"a", "b", "c"} {
			members = append(members, member(t, b, name, d, subscriber.Options{}))
		}
		p := publisherOf(t, b, orders)
		var want []string
		for n := range 30 {
			publish(t, p, order{"", n})
			want = append(want, fmt.Sprint(n))
		}
		synctest.Wait()
		expect(t, "the first, while all work", members[0].Stats(), subscriber.Stats{Queued: 27, Running: 1})
		expect(t, "the second", members[1].Stats(), subscriber.Stats{Running: 1})
		shutdown(t, b)
		var got []string
		for _, line := range d.all() {
			got = append(got, strings.Fields(line)[1])
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || len(outside.All()) != 30 {
			t.Errorf("the group handled %v, outside there were %d", got, len(outside.All()))
		}
		if when := d.when(); when[29] != 10*time.Second {
			t.Errorf("it took %v, want 10s for 30 events and 3 members", when[29])
		}
		for _, m := range members {
			expect(t, "a member", m.Stats(), subscriber.Stats{Succeeded: 10})
		}
	})
}

// owners returns which member handled each key, and fails the test when it was more than one, or not in order.
func owners(t *testing.T, lines []string) map[string]string {
	t.Helper()
	owner, last := map[string]string{}, map[string]int{}
	for _, line := range lines {
		var who, key string
		var n int
		if _, err := fmt.Sscanf(strings.ReplaceAll(line, "-", " "), "%s %s %d", &who, &key, &n); err != nil {
			t.Fatal(line, err)
		}
		if before := owner[key]; before != "" && (before != who || last[key] >= n) {
			t.Errorf("%s %d went to %s, after %d had gone to %s", key, n, who, last[key], before)
		}
		owner[key], last[key] = who, n
	}
	return owner
}

// As long as the members are the same, one of them gets all events of a key, in order; each has some keys.
func TestGroupMembersKeepTheirKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		for _, name := range []string{"a", "b", "c"} {
			member(t, b, name, d, subscriber.Options{Workers: 20})
		}
		p := publisherOf(t, b, orders)
		for n := range 5 {
			for key := range 60 {
				publish(t, p, order{fmt.Sprint(key, "-"), n})
			}
			time.Sleep(time.Minute) // all are done: nothing that waits holds the keys in place
		}
		shutdown(t, b)
		has := map[string]int{}
		for _, who := range owners(t, d.all()) {
			has[who]++
		}
		if len(has) != 3 || len(d.all()) != 300 {
			t.Errorf("%d events, keys for each member: %v", len(d.all()), has)
		}
	})
}

// Subscriptions to something else are another group of that name. Those of another Go type, or with another policy, are refused.
func TestGroupOfDifferentMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		of := func(o subscriber.Options) *subscriber.Options {
			o.Name, o.Group = "mine", "g"
			return &o
		}
		exact := subscribe(t, b, numbers, ignore, of(subscriber.Options{}))
		prefix := subscribe(t, b, topic.NewPrefix[int]("numbers"), ignore, of(subscriber.Options{}))
		publish(t, newPublisher(t, b), 1)
		synctest.Wait()
		expect(t, "the group of the topic", exact.Stats(), subscriber.Stats{Succeeded: 1})
		expect(t, "the group of the prefix", prefix.Stats(), subscriber.Stats{Succeeded: 1})

		_, otherType := subscriber.New(b, topic.New[string]("numbers"), func(context.Context, topic.Event[string]) error { return nil }, of(subscriber.Options{}))
		_, otherOverflow := subscriber.New(b, numbers, ignore, of(subscriber.Options{Overflow: bus.DropNewest}))
		_, otherTimeout := subscriber.New(b, numbers, ignore, of(subscriber.Options{BlockTimeout: time.Minute}))
		for want, err := range map[string]error{
			`subscriber.Options.Group is "g", it must be a group of other subscriptions to events of type string on "numbers"`: otherType,
			`subscriber.Options.Overflow is "DropNewest", it must be that of the other members of group "g"`:                   otherOverflow,
			`subscriber.Options.BlockTimeout is 1m0s, it must be that of the other members of group "g"`:                       otherTimeout,
		} {
			var option *bus.OptionError
			if !errors.As(err, &option) || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if s := b.Stats(); s.Published != 1 {
			t.Errorf("%+v", s)
		}
		publish(t, newPublisher(t, b), 2)
		synctest.Wait()
		expect(t, "the group that others were refused by", exact.Stats(), subscriber.Stats{Succeeded: 2})
	})
}

// Members may take batches, beside others that do not.
func TestGroupOfBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[int]()
		batches := batch(t, b, numbers, func(_ context.Context, events []topic.Event[int]) error {
			d.note(len(events))
			return nil
		}, &subscriber.BatchOptions{Options: subscriber.Options{Group: "g"}, Size: 3, Linger: time.Second})
		busy := bustest.NewSubscriber[int](t, bustest.Block())
		single := subscribe(t, b, numbers, busy.Handle, &subscriber.Options{Group: "g"})
		publish(t, newPublisher(t, b), 1, 2, 3, 4, 5, 6, 7)
		synctest.Wait()
		busy.Release()
		shutdown(t, b)
		one, other := single.Stats(), batches.Stats()
		if one.Succeeded == 0 || other.Succeeded == 0 || one.Matched+other.Matched != 7 || one.Succeeded+other.Succeeded != 7 {
			t.Errorf("the single one: %+v, the batches: %+v", one, other)
		}
		if got := d.all(); slices.Max(got) < 2 || slices.Max(got) > 3 {
			t.Errorf("batches of %v", got)
		}
	})
}
