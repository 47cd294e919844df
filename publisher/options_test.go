package publisher_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// typed is a codec with a content type to choose.
type typed struct {
	codec.Codec
	contentType string
}

func (c typed) ContentType() string { return c.contentType }

func TestNewErrors(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for name, tc := range map[string]struct {
		topic topic.Topic[invoice]
		field string
	}{
		"zero topic":           {topic.Topic[invoice]{}, "publisher.New topic"},
		"zero topic, codec":    {topic.Topic[invoice]{}.WithCodec(codec.JSON), "publisher.New topic"},
		"no codec":             {invoices.WithCodec(nil), "publisher.New topic"},
		"content type of 257":  {invoices.WithCodec(typed{codec.JSON, strings.Repeat("x", 257)}), "content type of the topic's codec"},
		"content type of 256":  {invoices.WithCodec(typed{codec.JSON, strings.Repeat("x", 256)}), ""},
		"without content type": {invoices.WithCodec(typed{codec.JSON, ""}), ""},
	} {
		pub, err := publisher.New(b, tc.topic, nil)
		var wrong *bus.OptionError
		if errors.As(err, &wrong); (wrong == nil) != (tc.field == "") || (pub == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", name, pub, err)
		}
		if wrong != nil && wrong.Field != tc.field {
			t.Errorf("%s: the error is about %q, want %q", name, wrong.Field, tc.field)
		}
	}
}

func TestNewRefusesEmptyMiddleware(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	pub, err := publisher.New(b, invoices, &publisher.Options{Middleware: []bus.Middleware{setHeader("a", "1"), {Name: "nothing"}}})
	var wrong *bus.OptionError
	if !errors.As(err, &wrong) || pub != nil || !strings.HasPrefix(wrong.Field, "publisher.Options.Middleware") {
		t.Errorf("%v, %v", pub, err)
	}
}

func TestNewOnAClosedBus(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if pub, err := publisher.New(b, invoices, nil); pub != nil || !errors.Is(err, bus.ErrClosed) {
		t.Errorf("%v, %v", pub, err)
	}
}

func TestTopic(t *testing.T) {
	t.Parallel()
	pub := newPublisher(t, bustest.New(t), byCustomer.WithCodec(codec.Raw), nil)
	if got := pub.Topic(); got.String() != "invoices.sent" || got.Codec() != codec.Raw || got.KeyFunc()(invoice{Customer: "ada"}) != "ada" {
		t.Errorf("got %v with codec %v", got, got.Codec())
	}
}

func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := func(value string) bus.Middleware {
			return bus.Wrap("set", func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					if err := m.SetHeader("set", value); err != nil {
						return err
					}
					return next(ctx, m)
				}
			})
		}
		o := observe(t, invoices.String())
		options := &publisher.Options{Middleware: []bus.Middleware{set("before")}}
		pub := newPublisher(t, o.bus, invoices, options)
		options.Middleware[0], options.Plain = set("after"), true
		if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil {
			t.Fatal(err)
		}
		o.expect(t, `#1 set=before {"Cents":5,"Customer":"ada"}`)
		if o.tap.messages()[0].Plain {
			t.Error("a change of Plain after New had an effect")
		}
	})
}

// TestWire checks what a publish hands to the transport.
func TestWire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, plain := range []bool{false, true} {
			o := observe(t, invoices.String())
			pub := newPublisher(t, o.bus, byCustomer, &publisher.Options{Plain: plain})
			if err := pub.Publish(t.Context(), invoice{5, "ada"}, publisher.Header("tenant", "acme")); err != nil {
				t.Fatal(err)
			}
			m := o.tap.messages()[0]
			if m.Topic != "invoices.sent" || m.Plain != plain || m.Bare {
				t.Errorf("got %+v, want plain = %t", m, plain)
			}
			if want := [][]byte{[]byte(`{"Cents":5,"Customer":"ada"}`)}; !reflect.DeepEqual(m.Payload, want) {
				t.Errorf("payload %q, want %q", m.Payload, want)
			}
			if plain {
				if m.Envelope != nil {
					t.Errorf("a plain event has the envelope %q", m.Envelope)
				}
				continue
			}
			h, err := envelope.Parse(m.Envelope)
			if err != nil || h.Source != o.bus.Source() || h.Seq != 1 || h.Time == 0 {
				t.Errorf("envelope %+v, %v", h, err)
			}
		}
	})
}

// TestOwned checks that large payloads are handed over, and small ones lent: those are in a buffer that is used again.
func TestOwned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tap := newWiretap()
		b := bustest.New(t, &bus.Options{Transport: tap})
		pub := newPublisher(t, b, topic.New[[]byte]("images.raw").WithCodec(codec.Raw), nil)
		for size, want := range map[int]bool{0: false, 100: false, 16<<10 - 1: false, 16 << 10: true, 1 << 20: true} {
			if err := pub.Publish(t.Context(), make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			messages := tap.messages()
			m := messages[len(messages)-1]
			if len(m.Payload) != 1 || len(m.Payload[0]) != size || m.Owned != want {
				t.Errorf("%d bytes: owned = %t, want %t", size, m.Owned, want)
			}
		}
	})
}
