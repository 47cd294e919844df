package publisher_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestContentTypeOfWhatIsEncodedLater checks that a value that came as it is, and that its subscriber's codec encodes, has the content type of that
// codec, not of its publisher's.
func TestContentTypeOfWhatIsEncodedLater(t *testing.T) {
	t.Parallel()
	for name, attributes := range map[string][]publisher.Attribute{"bare": nil, "with a header": {publisher.Header("a", "1")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				greetings := topic.New[string]("greetings").WithKey(func(s string) string { return s[:1] })
				copies := bustest.Record(t, b, topic.New[string]("copies").WithCodec(codec.Any(codec.JSON, codec.String)))
				again := bus.Wrap("again", func(next bus.Handler) bus.Handler {
					return func(ctx context.Context, m *bus.Message) error {
						if err := publisher.Forward(ctx, b, "copies", m); err != nil {
							return err
						}
						payload, err := m.Payload()
						if err != nil {
							return err
						}
						m.SetPayload(payload)
						return next(ctx, m)
					}
				})
				mixed := greetings.WithCodec(codec.Any(codec.String, codec.JSON))
				handler := bustest.NewSubscriber[string](t)
				if _, err := subscriber.New(b, mixed, handler.Handle, &subscriber.Options{Middleware: []bus.Middleware{again}}); err != nil {
					t.Fatal(err)
				}
				if err := newPublisher(t, b, greetings, nil).Publish(t.Context(), "hello", attributes...); err != nil {
					t.Fatal(err)
				}
				for _, e := range []topic.Event[string]{copies.Wait(1)[0], handler.Wait(1)[0].Event} {
					if e.Value != "hello" || e.Key() != "h" || e.Header("content-type") != "text/plain; charset=utf-8" {
						t.Errorf("got %q of key %q as %s on %s", e.Value, e.Key(), e.Header("content-type"), e.Topic())
					}
				}
			})
		})
	}
}
