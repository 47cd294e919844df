package cloudevents_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestDeadLetters has events that are no valid CloudEvents in both modes, on a bus whose publishers have Send, and on one that has it itself:
// that one cannot publish the dead letter, and the event counts as failed.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	inside := cloudevents.Receive(nil)
	inside.Phase = bus.PhaseOutcome
	for name, tc := range map[string]struct {
		publish []bus.Middleware
		header  [2]string
		failed  uint64
	}{
		"binary":                      {nil, [2]string{"ce-specversion", "1.0"}, 0},
		"structured":                  {nil, [2]string{"content-type", "application/cloudevents+json"}, 0},
		"binary, Send of the bus":     {[]bus.Middleware{cloudevents.Send(nil)}, [2]string{"ce-type", ""}, 1},
		"structured, Send of the bus": {[]bus.Middleware{cloudevents.Send(nil)}, [2]string{"content-type", "application/cloudevents+json"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bustest.New(t, &bus.Options{Publish: tc.publish})
			var dead []seen
			note := func(context.Context, topic.Event[[]byte]) error { return nil }
			letters := topic.New[[]byte]("dead").WithCodec(codec.Raw)
			if _, err := subscriber.New(b, letters, note, &subscriber.Options{Middleware: []bus.Middleware{watch(&dead)}}); err != nil {
				t.Fatal(err)
			}
			handler := func(_ context.Context, e topic.Event[order]) error {
				t.Errorf("the handler got %v", e)
				return nil
			}
			chain := []bus.Middleware{middleware.DeadLetter("dead", nil), inside}
			sub, err := subscriber.New(b, orders, handler, &subscriber.Options{Middleware: chain})
			if err != nil {
				t.Fatal(err)
			}
			spoil := bus.Wrap("spoil", func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					return errors.Join(m.SetHeader(tc.header[0], tc.header[1]), next(ctx, m))
				}
			})
			if err := publish(t, b, orders, order{"pencil", 2}, []bus.Middleware{spoil}); err != nil {
				t.Fatal(err)
			}
			if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
				t.Fatal(err)
			}
			if s := sub.Stats(); s.Failed != tc.failed || s.Succeeded != 1-tc.failed || len(dead) != int(s.Succeeded) {
				t.Errorf("stats %+v, dead letters %v", s, dead)
			}
			for _, letter := range dead {
				check(t, "payload", letter.payload, `{"item":"pencil","count":2}`)
				check(t, "header", letter.headers[tc.header[0]], tc.header[1])
			}
		})
	}
}
