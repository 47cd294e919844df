package publisher_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

var errNoDebts = errors.New("an invoice must not be negative")

// careful is JSON that counts what it encodes and refuses negative invoices. It is used by one goroutine.
type careful struct {
	codec.Codec
	encoded *int
}

func newCareful() careful { return careful{codec.JSON, new(int)} }

func (c careful) Append(dst []byte, v any) ([]byte, error) {
	if v.(*invoice).Cents < 0 {
		return dst, errNoDebts
	}
	*c.encoded++
	return c.Codec.Append(dst, v)
}

func TestEncodesOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, invoices.String())
		third := bustest.Record(t, o.bus, topic.New[map[string]any](invoices.String()))
		c := newCareful()
		pub := newPublisher(t, o.bus, invoices.WithCodec(c), nil)
		for range 3 {
			if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil {
				t.Fatal(err)
			}
		}
		third.Wait(3)
		if *c.encoded != 3 {
			t.Errorf("3 events were encoded %d times", *c.encoded)
		}
	})
}

// TestTypedPathDoesNotEncode checks that inside a process a codec matters only to subscriptions of another Go type, which may come
// and go.
func TestTypedPathDoesNotEncode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		typed := bustest.Record(t, b, invoices)
		c := newCareful()
		pub := newPublisher(t, b, invoices.WithCodec(c), nil)
		publish := func(cents int, want error) {
			t.Helper()
			if err := pub.Publish(t.Context(), invoice{cents, "ada"}); !errors.Is(err, want) {
				t.Errorf("publishing %d: %v, want %v", cents, err, want)
			}
		}
		publish(-1, nil)
		other := bustest.Record(t, b, topic.New[any](invoices.String()))
		publish(-2, errNoDebts)
		publish(3, nil)
		other.Wait(1)
		if err := other.Subscription().Close(); err != nil {
			t.Fatal(err)
		}
		publish(4, nil) // encoded in vain: this is how the publisher learns that nobody needs it any more
		publish(-5, nil)
		if got, want := fmt.Sprint(typed.Wait(4)), "[invoices.sent#1 {-1 ada} invoices.sent#2 {3 ada} invoices.sent#3 {4 ada} invoices.sent#4 {-5 ada}]"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if *c.encoded != 2 {
			t.Errorf("%d events were encoded, want 2", *c.encoded)
		}
	})
}

// TestCodecError checks that an event that cannot be encoded goes nowhere, not even to subscriptions that would not need it encoded.
func TestCodecError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, invoices.String())
		pub := newPublisher(t, o.bus, invoices.WithCodec(newCareful()), nil)
		n, err := pub.PublishBatch(t.Context(), []invoice{{5, "ada"}, {-1, "bob"}, {7, "eve"}})
		if n != 1 || !errors.Is(err, errNoDebts) {
			t.Errorf("%d were accepted, %v", n, err)
		}
		if err := pub.Publish(t.Context(), invoice{6, "bob"}); err != nil {
			t.Fatal(err)
		}
		o.expect(t, `#1 {"Cents":5,"Customer":"ada"}`, `#2 {"Cents":6,"Customer":"bob"}`)
		if s := o.bus.Stats(); s.Published != 2 || s.Refused != 1 {
			t.Errorf("stats %+v, want 2 published and 1 refused", s)
		}
	})
}

// TestEncodedEventsAreNotOverwritten has a subscription that shares memory with the encoded event, and keeps it.
func TestEncodedEventsAreNotOverwritten(t *testing.T) {
	t.Parallel()
	for name, transport := range map[string]bool{"in-process": false, "with a transport": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var options bus.Options
				if transport {
					options.Transport = newWiretap()
				}
				b := bustest.New(t, &options)
				kept := bustest.Record(t, b, topic.New[[]byte](invoices.String()).WithCodec(codec.Raw))
				pub := newPublisher(t, b, invoices, nil)
				for i := range 10 {
					if err := pub.Publish(t.Context(), invoice{i, "ada"}); err != nil {
						t.Fatal(err)
					}
				}
				for i, e := range kept.Wait(10) {
					if want := fmt.Appendf(nil, `{"Cents":%d,"Customer":"ada"}`, i); !bytes.Equal(e.Value, want) {
						t.Errorf("event %d became %q, want %q", i, e.Value, want)
					}
				}
			})
		})
	}
}
