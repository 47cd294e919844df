package bus_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// watch returns middleware that sends what the handler returned.
func watch(failed chan<- error) *subscriber.Options {
	return &subscriber.Options{Middleware: []bus.Middleware{bus.Wrap("watch", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			err := next(ctx, m)
			failed <- err
			return err
		}
	})}}
}

// A payload that does not decode is a DecodeError, which middleware sees like any other error.
func TestDecodeError(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		failed := make(chan error, 1)
		subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error { return nil }, watch(failed))
		f.receive(alpha, 7, "numbers", "12x")
		err := <-failed
		var decode *bus.DecodeError
		if !errors.As(err, &decode) {
			t.Fatal(err)
		}
		if decode.Topic != "numbers" || decode.Seq != 7 || decode.Source != alpha.String() || decode.ContentType != "application/json" ||
			decode.Type != "int" || decode.Offset != 2 || decode.Err == nil {
			t.Errorf("%+v", decode)
		}
	})
}

// An event whose content type the codec does not accept is not decoded, whatever its payload is.
func TestContentTypeMismatch(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		for name, tc := range map[string]struct {
			codec       codec.Codec
			contentType string
			want        string // "": it is decoded
		}{
			"its own":     {codec.JSON, "application/json", ""},
			"none":        {codec.JSON, "", ""},
			"another":     {codec.JSON, "application/cbor", `its content type is "application/cbor", accepted is application/json`},
			"one of some": {codec.Any(codec.As("application/cbor", codec.JSON), codec.JSON), "application/json", ""},
			"none of some": {codec.Any(codec.As("application/cbor", codec.JSON), codec.JSON), "text/xml",
				`its content type is "text/xml", accepted is application/cbor, application/json`},
		} {
			name = "numbers." + strings.ReplaceAll(name, " ", "-")
			failed := make(chan error, 1)
			got := 0
			handler := func(_ context.Context, e topic.Event[int]) error { got = e.Value; return nil }
			subscribe(t, b, topic.New[int](name).WithCodec(tc.codec), handler, watch(failed))
			meta := envelope.Meta{Origin: &envelope.Origin{Topic: name, Source: alpha, ContentType: tc.contentType}, Seq: 1}
			f.incoming <- transport.Message{Topic: name, Envelope: envelope.Append(nil, &meta), Payload: [][]byte{[]byte("12")}}
			err := <-failed
			var decode *bus.DecodeError
			switch {
			case tc.want == "" && (err != nil || got != 12):
				t.Errorf("%s: got %d, %v", name, got, err)
			case tc.want != "" && (!errors.As(err, &decode) || decode.Offset != -1 || decode.Err.Error() != tc.want || got != 0):
				t.Errorf("%s: got %d, %v, want %s", name, got, err, tc.want)
			}
		}
	})
}

// The error tells which of several codecs has found it.
func TestDecodeErrorOfOneCodecOfSome(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		failed := make(chan error, 1)
		both := numbers.WithCodec(codec.Any(codec.As("application/cbor", codec.JSON), codec.JSON))
		subscribe(t, b, both, func(context.Context, topic.Event[int]) error { return nil }, watch(failed))
		for i, contentType := range []string{"application/json", "application/cbor", ""} {
			meta := envelope.Meta{Origin: &envelope.Origin{Topic: "numbers", Source: alpha, ContentType: contentType}, Seq: uint64(i + 1)}
			f.incoming <- transport.Message{Topic: "numbers", Envelope: envelope.Append(nil, &meta), Payload: [][]byte{[]byte("12x")}}
			want := cmp.Or(contentType, "application/cbor")
			var decode *bus.DecodeError
			if err := <-failed; !errors.As(err, &decode) || decode.ContentType != want || decode.Offset != 2 {
				t.Errorf("%q: %v, want an error of %s", contentType, err, want)
			}
		}
	})
}

// A content type that is not accepted is refused among events of the same bus as well, if they have another Go type.
func TestContentTypeMismatchOfOtherTypes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		failed := make(chan error, 1)
		subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error { return nil }, watch(failed))
		publish(t, t.Context(), newPublisher(t, b, topic.New[string]("numbers").WithCodec(codec.String)), "12")
		var mismatch *codec.ContentTypeError
		if err := <-failed; !errors.As(err, &mismatch) || mismatch.Got != "text/plain; charset=utf-8" {
			t.Errorf("the handler returned %v", err)
		}
	})
}

// A value that is decoded anew has nothing of the one before, which the payload does not mention.
func TestDecodeBeginsWithZero(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type order struct{ Cents, Items int }
		b := bustest.New(t)
		orders := topic.New[order]("orders")
		var got []order
		half := bus.Wrap("half", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				m.SetPayload([]byte(`{"Cents":3}`))
				return next(ctx, m)
			}
		})
		subscribe(t, b, orders, func(_ context.Context, e topic.Event[order]) error {
			got = append(got, e.Value)
			return nil
		}, &subscriber.Options{Middleware: []bus.Middleware{half}})
		publish(t, t.Context(), newPublisher(t, b, orders), order{1, 2})
		synctest.Wait()
		if len(got) != 1 || got[0] != (order{3, 0}) {
			t.Errorf("handled %v", got)
		}
	})
}
