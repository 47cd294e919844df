package publisher_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// forwarding returns middleware that forwards to a topic of b instead of calling the handler.
func forwarding(b *bus.Bus, to string, attributes ...publisher.Attribute) bus.Middleware {
	return bus.Wrap("forward", func(bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			return publisher.Forward(ctx, b, to, m, attributes...)
		}
	})
}

// described is an event with everything that it carries, but for its own source.
func described[T any](e topic.Event[T]) string {
	return fmt.Sprintf("%s#%d id=%s key=%s %v %s", e.Topic(), e.Seq(), e.ID(), e.Key(), maps.Collect(e.Headers()), e.String()[len(e.Topic()):])
}

// TestForward checks what comes along, to subscriptions of the event's type, of another one and on another bus.
func TestForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here, there := bustest.New(t), bustest.New(t, &bus.Options{Publish: []bus.Middleware{setHeader("by", "there")}})
		typed := bustest.Record(t, there, topic.New[invoice]("copies"))
		raw := bustest.Record(t, there, topic.New[[]byte]("copies").WithCodec(codec.Raw))
		original := bustest.Record(t, here, byCustomer)
		forward(t, here, forwarding(there, "copies", publisher.Header("a", "2")))
		pub := newPublisher(t, here, byCustomer, nil)
		if err := pub.Publish(t.Context(), invoice{5, "ada"}, publisher.Header("a", "1"), publisher.Header("b", "1")); err != nil {
			t.Fatal(err)
		}
		id := original.Wait(1)[0].ID()
		headers := map[string]string{"a": "2", "b": "1", "by": "there", "content-type": "application/json"}
		for _, got := range []string{described(typed.Wait(1)[0]), described(raw.Wait(1)[0])} {
			if want := fmt.Sprintf("copies#1 id=%s key=ada %v ", id, headers); got[:len(want)] != want {
				t.Errorf("got  %s\nwant %s…", got, want)
			}
		}
		if v := typed.Wait(1)[0].Value; v != (invoice{5, "ada"}) {
			t.Errorf("the value is %v", v)
		}
		if v := raw.Wait(1)[0].Value; string(v) != `{"Cents":5,"Customer":"ada"}` {
			t.Errorf("the payload is %s", v)
		}
		if source := typed.Wait(1)[0].Source(); source != there.Source() {
			t.Errorf("the source is %s", source)
		}
	})
}

// TestForwardedEventsAreNumbered checks that each has the next number, and is counted.
func TestForwardedEventsAreNumbered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, late := bustest.New(t), bustest.New(t)
		forward(t, b, forwarding(late, "copies"))
		pub := newPublisher(t, b, byCustomer, nil)
		publish := func() {
			if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		publish() // to nobody
		publish()
		copies := bustest.Record(t, late, topic.New[invoice]("copies"))
		publish()
		if e := copies.Wait(1)[0]; e.Seq() != 3 {
			t.Errorf("the third has number %d", e.Seq())
		}
		if s := late.Stats(); s.Published != 3 || s.Unmatched != 2 || s.Refused != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// forward subscribes to byCustomer with the chain alone.
func forward(t *testing.T, b *bus.Bus, chain ...bus.Middleware) {
	t.Helper()
	none := func(context.Context, topic.Event[invoice]) error { return errors.New("not forwarded") }
	if _, err := subscriber.New(b, byCustomer, none, &subscriber.Options{Middleware: chain}); err != nil {
		t.Fatal(err)
	}
}

// TestForwardKeys checks that another key can be given, and an ID.
func TestForwardKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		copies := bustest.Record(t, b, topic.New[invoice]("copies"))
		forward(t, b, forwarding(b, "copies", publisher.Key("eve"), publisher.ID("7")))
		pub := newPublisher(t, b, byCustomer, nil)
		if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil {
			t.Fatal(err)
		}
		if e := copies.Wait(1)[0]; e.Key() != "eve" || e.ID() != "7" {
			t.Errorf("key %q, ID %q", e.Key(), e.ID())
		}
	})
}

func TestForwardErrors(t *testing.T) {
	t.Parallel()
	ended := bustest.New(t)
	if err := ended.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		chain []bus.Middleware
		check func(error) bool
	}{
		"name":      {[]bus.Middleware{forwarding(ended, "a..b")}, func(err error) bool { return errors.As(err, new(*topic.NameError)) }},
		"closed":    {[]bus.Middleware{forwarding(ended, "copies")}, func(err error) bool { return errors.Is(err, bus.ErrClosed) }},
		"attribute": {[]bus.Middleware{forwarding(bustest.New(t), "copies", publisher.Header("id", "1"))}, func(err error) bool { return errors.As(err, new(*publisher.AttributeError)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				var failed []error
				note := bus.Wrap("note", func(next bus.Handler) bus.Handler {
					return func(ctx context.Context, m *bus.Message) error {
						failed = append(failed, next(ctx, m))
						return nil
					}
				})
				forward(t, b, slices.Concat([]bus.Middleware{note}, tc.chain)...)
				pub := newPublisher(t, b, byCustomer, nil)
				if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if len(failed) != 1 || !tc.check(failed[0]) {
					t.Errorf("forwarding returned %v", failed)
				}
			})
		})
	}
}

// TestForwardWrapsOnce checks that the chain of what is passed on is made once for each topic, also if it lets nothing through.
func TestForwardWrapsOnce(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{"passes": nil, "refuses": bus.ErrFiltered} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var wraps, calls atomic.Int64 // the two subscriptions run side by side
				count := bus.Wrap("count", func(next bus.Handler) bus.Handler {
					wraps.Add(1)
					return func(ctx context.Context, m *bus.Message) error {
						calls.Add(1)
						if refusal != nil {
							return refusal
						}
						return next(ctx, m)
					}
				})
				here, there := bustest.New(t), bustest.New(t, &bus.Options{Publish: []bus.Middleware{count}})
				forward(t, here, forwarding(there, "copies"))
				forward(t, here, forwarding(there, "others"))
				pub := newPublisher(t, here, byCustomer, nil)
				for range 3 {
					if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				if wraps.Load() != 2 || calls.Load() != 6 {
					t.Errorf("%d chains for %d events on 2 topics", wraps.Load(), calls.Load())
				}
			})
		})
	}
}

// TestForwardLeavesTheWayBehind checks that what says something about one way of a message, and not about the event, does not come along.
func TestForwardLeavesTheWayBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		copies := bustest.Record(t, b, topic.New[invoice]("copies"))
		e := topic.NewEvent(invoice{5, "ada"}, topic.Metadata{Topic: "quote", ID: "7", Headers: map[string]string{
			"attempt": "2", "deadline": "100", "kind": "cancel", "status": "failed", "message": "no", "shop": "7", "traceparent": "00-1",
		}})
		m := bus.NewMessage(&bus.Party{Bus: b, Role: bus.RoleServer, Name: "quote"}, codec.JSON)
		m.Reset(e.Meta(), &e, &e.Value)
		if err := publisher.Forward(t.Context(), b, "copies", m); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"shop": "7", "traceparent": "00-1"}
		if got := maps.Collect(copies.Wait(1)[0].Headers()); !maps.Equal(got, want) {
			t.Errorf("the headers are %v, want %v", got, want)
		}
	})
}
