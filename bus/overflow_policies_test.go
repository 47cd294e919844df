package bus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

var (
	keyed      = keyedTopic("keyed")
	otherKeyed = keyedTopic("keyed.too")
)

// keyedTopic returns a topic of strings whose first letter is their key; those that begin with a digit have none.
func keyedTopic(name string) topic.Topic[string] {
	return topic.New[string](name).WithKey(keyOf)
}

func keyOf(s string) string {
	if s[0] <= '9' {
		return ""
	}
	return s[:1]
}

// stalled is a subscription whose handler stays at its first event until the test lets it go on.
type stalled struct {
	*subscriber.Subscription
	release chan struct{}
	got     []string
}

func stall(t *testing.T, b *bus.Bus, sel topic.Selector[string], o *subscriber.Options) *stalled {
	t.Helper()
	s := &stalled{release: make(chan struct{})}
	s.Subscription = subscribe(t, b, sel, func(_ context.Context, e topic.Event[string]) error {
		<-s.release
		s.got = append(s.got, e.Value)
		return nil
	}, o)
	return s
}

// expect lets the handler go on and checks what it gets, and how many were dropped.
func (s *stalled) expect(t *testing.T, dropped uint64, want ...string) {
	t.Helper()
	synctest.Wait()
	if stats := s.Stats(); stats.Dropped != dropped || stats.Running != 1 || int(stats.Queued) != len(want)-1 {
		t.Errorf("%+v, want %d dropped, 1 running, %d queued", stats, dropped, len(want)-1)
	}
	balance(t, s.Stats())
	close(s.release)
	synctest.Wait()
	if !slices.Equal(s.got, want) {
		t.Errorf("handled %v, want %v", s.got, want)
	}
	if stats := s.Stats(); stats.Dropped != dropped || int(stats.Succeeded) != len(want) {
		t.Errorf("%+v, want %d dropped, %d succeeded", stats, dropped, len(want))
	}
	balance(t, s.Stats())
}

// lossy are the policies that drop: what the subscription gets of the events published while its handler is at the first one.
var lossy = map[string]struct {
	options   subscriber.Options
	published []string // those that begin with "+" on another topic
	want      []string
	dropped   uint64
}{
	"DropOldest":            {subscriber.Options{Queue: 2, Overflow: bus.DropOldest}, []string{"x1", "a1", "a2", "b1", "a3"}, []string{"x1", "b1", "a3"}, 2},
	"DropNewest":            {subscriber.Options{Queue: 2, Overflow: bus.DropNewest}, []string{"x1", "a1", "a2", "b1", "a3"}, []string{"x1", "a1", "a2"}, 2},
	"Latest":                {subscriber.Options{Queue: 3, Overflow: bus.Latest}, []string{"x1", "a1", "b1", "a2", "c1", "a3", "c2"}, []string{"x1", "a3", "b1", "c2"}, 3},
	"Latest, full of keys":  {subscriber.Options{Queue: 2, Overflow: bus.Latest}, []string{"x1", "a1", "b1", "a2", "c1", "a3"}, []string{"x1", "c1", "a3"}, 3},
	"Latest, without keys":  {subscriber.Options{Queue: 3, Overflow: bus.Latest}, []string{"1", "2", "a1", "3", "4"}, []string{"1", "4", "a1"}, 2},
	"Latest, topics":        {subscriber.Options{Queue: 3, Overflow: bus.Latest}, []string{"x1", "a1", "+a2", "+1", "+a3"}, []string{"x1", "a1", "a3", "1"}, 1},
	"Latest, being handled": {subscriber.Options{Queue: 3, Overflow: bus.Latest}, []string{"a1", "a2", "a3"}, []string{"a1", "a3"}, 1},
	"Latest, one place":     {subscriber.Options{Queue: 1, Overflow: bus.Latest}, []string{"x1", "a1", "b1", "b2"}, []string{"x1", "b2"}, 2},
	"Latest, a group":       {subscriber.Options{Queue: 2, Overflow: bus.Latest, Group: "g", LocalGroup: true}, []string{"x1", "a1", "b1", "a2"}, []string{"x1", "a2", "b1"}, 1},
}

// Sentence 3: what each policy drops of the events of the same bus is counted, and a Publish hears nothing of it.
func TestLossyPolicies(t *testing.T) {
	t.Parallel()
	for name, tc := range lossy {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				bustest.AllowUndelivered(t, b)
				s := stall(t, b, topic.NewPrefix[string]("keyed"), &tc.options)
				p, other := newPublisher(t, b, keyed), newPublisher(t, b, otherKeyed)
				for _, v := range tc.published {
					if v[0] == '+' {
						publish(t, t.Context(), other, v[1:])
					} else {
						publish(t, t.Context(), p, v)
					}
					synctest.Wait() // the first one is being handled
				}
				s.expect(t, tc.dropped, tc.want...)
				if stats := b.Stats(); stats.Published != uint64(len(tc.published)) || stats.Refused != 0 {
					t.Errorf("%+v", stats)
				}
			})
		})
	}
}

// Sentence 3: a Publish that finds no room under Fail is told so at once. It has delivered to nobody, nobody has dropped anything for it,
// and it has used no number.
func TestFail(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]subscriber.Options{"plain": {}, "group": {Group: "g"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				o.Name, o.Queue, o.Overflow = "strict", 2, bus.Fail
				var others []*stalled
				for i, policy := range []bus.Overflow{bus.DropOldest, bus.DropNewest, bus.Latest, bus.Block} {
					sel := []topic.Selector[string]{topic.NewPrefix[string](""), keyed}[i%2]
					others = append(others, stall(t, b, sel, &subscriber.Options{Queue: []int{2, 2, 2, 3}[i], Overflow: policy}))
				}
				strict := stall(t, b, keyed, &o)
				if o.Group != "" {
					o.Name = o.Group // what publishers wait at is the group's
				}
				r := bustest.Record(t, b, keyed)
				p := newPublisher(t, b, keyed)
				publish(t, t.Context(), p, "x1")
				synctest.Wait()
				publish(t, t.Context(), p, "a1", "b1")
				err := p.Publish(t.Context(), "c1")
				var full *bus.FullError
				if !errors.Is(err, bus.ErrFull) || !errors.As(err, &full) || *full != (bus.FullError{Topic: "keyed", Subscription: o.Name}) {
					t.Fatalf("%#v", err)
				}
				if text := `bus: publish to "keyed": no room in ` + o.Name; err.Error() != text {
					t.Errorf("%v, want %s", err, text)
				}
				if got := r.Wait(3); len(r.All()) != 3 || b.Stats().Refused != 1 {
					t.Errorf("recorded %v; %+v", got, b.Stats())
				}
				for _, s := range others {
					s.expect(t, 0, "x1", "a1", "b1")
				}
				strict.expect(t, 0, "x1", "a1", "b1")
				publish(t, t.Context(), p, "c1")
				if last := r.Wait(4)[3]; last.Seq() != 4 {
					t.Errorf("the event after the one that was refused has the number %d", last.Seq())
				}
			})
		})
	}
}

func TestOverflowNames(t *testing.T) {
	t.Parallel()
	for o, want := range map[bus.Overflow]string{
		0: "Block locally, DropOldest from a transport", bus.Block: "Block", bus.DropOldest: "DropOldest", bus.DropNewest: "DropNewest",
		bus.Latest: "Latest", bus.Fail: "Fail", bus.Fail + 1: "unknown overflow policy 6", 255: "unknown overflow policy 255",
	} {
		if got := o.String(); got != want || o.Valid() != (o <= bus.Fail) {
			t.Errorf("%d is called %q, valid: %t", uint8(o), got, o.Valid())
		}
	}
}
