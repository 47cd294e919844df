package cloudevents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/multipart"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

var (
	texts  = topic.New[string]("texts.written").WithCodec(codec.String)
	images = topic.New[[]byte]("images.taken").WithCodec(codec.Raw)
)

// odd is a codec with a content type of its own, whose encoding is the text.
type odd struct{ contentType string }

func (c odd) Append(dst []byte, v any) ([]byte, error) { return append(dst, *v.(*string)...), nil }
func (c odd) Decode(src []byte, v any) error           { *v.(*string) = string(src); return nil }
func (c odd) ContentType() string                      { return c.contentType }

// epoch is when events of a bubble are published.
const epoch = "2000-01-01T00:00:00Z"

func TestSendBinary(t *testing.T) {
	t.Parallel()
	plain := headers{
		"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "7", "ce-source": "/fanfare/billing", "ce-type": "orders.created", "ce-time": epoch,
	}
	for name, tc := range map[string]struct {
		options    *cloudevents.SendOptions
		attributes []publisher.Attribute
		want       headers
	}{
		"defaults": {nil, nil, plain},
		"options": {&cloudevents.SendOptions{
			Source: "urn:billing", DataSchema: "https://example.com/order", Extensions: map[string]string{"region": "eu"},
			Type:    func(m *bus.Message) string { return "com.example." + m.Topic() },
			Subject: func(m *bus.Message) string { return "key " + m.Key() },
		}, []publisher.Attribute{publisher.Key("ada")}, plain.with(headers{
			"ce-source": "urn:billing", "ce-dataschema": "https://example.com/order", "ce-region": "eu",
			"ce-type": "com.example.orders.created", "ce-subject": "key ada",
		})},
		"headers that are extensions": {nil, []publisher.Attribute{publisher.Header("tenant", "acme"), publisher.Header("größe", "1"), publisher.Header("two-words", "2")},
			plain.with(headers{"tenant": "acme", "ce-tenant": "acme", "größe": "1", "two-words": "2"})},
		"headers that no attribute can be": {nil, []publisher.Attribute{publisher.Header("bytes", "\x00\xff"), publisher.Header("end", "\uffff"), publisher.Header("source", "here"), publisher.Header("data", "x")},
			plain.with(headers{"bytes": "\x00\xff", "end": "\uffff", "source": "here", "data": "x"})},
		"header over option": {&cloudevents.SendOptions{Extensions: map[string]string{"tenant": "none", "region": "eu"}}, []publisher.Attribute{publisher.Header("tenant", "acme")},
			plain.with(headers{"tenant": "acme", "ce-tenant": "acme", "ce-region": "eu"})},
		"attributes of the publisher": {&cloudevents.SendOptions{Source: "urn:billing"}, []publisher.Attribute{
			publisher.Header("ce-source", "urn:other"), publisher.Header("ce-subject", "pencils"), publisher.Header("ce-tenant", "acme"), publisher.Header("tenant", "other"),
			publisher.Header("ce-time", "2020-01-01T00:00:00.123456789+01:00"), publisher.Header("ce-id", "another"),
		}, plain.with(headers{"ce-source": "urn:other", "ce-subject": "pencils", "ce-tenant": "acme", "tenant": "other", "ce-time": "2020-01-01T00:00:00.123456789+01:00"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, err := send(t, tc.options, orders, order{"pencil", 2}, append(tc.attributes, publisher.ID("7"))...)
				if err != nil {
					t.Fatal(err)
				}
				check(t, "headers", got.headers.String(), tc.want.String())
				check(t, "ID and payload", got.id+" "+got.payload, `7 {"item":"pencil","count":2}`)
			})
		})
	}
}

func TestSendStructured(t *testing.T) {
	t.Parallel()
	const begin = `{"specversion":"1.0","id":"7","source":"/fanfare/billing","type":"`
	for name, tc := range map[string]struct {
		send func(t *testing.T, o *cloudevents.SendOptions) (seen, error)
		want string
	}{
		"JSON": {sending(orders, order{"pencil", 2}),
			begin + `orders.created","datacontenttype":"application/json","time":"` + epoch + `","data":{"item":"pencil","count":2}}`},
		"extension": {sending(orders, order{"pencil", 2}, publisher.Header("tenant", "acme"), publisher.Header("two-words", "2")),
			begin + `orders.created","datacontenttype":"application/json","time":"` + epoch + `","data":{"item":"pencil","count":2},"tenant":"acme"}`},
		"text": {sending(texts, "größer\n"),
			begin + `texts.written","datacontenttype":"text/plain; charset=utf-8","time":"` + epoch + `","data":"größer\n"}`},
		"text in another encoding": {sending(texts.WithCodec(odd{"text/plain; charset=latin1"}), "gr\xf6\xdfer"),
			begin + `texts.written","datacontenttype":"text/plain; charset=latin1","time":"` + epoch + `","data_base64":"Z3L232Vy"}`},
		"text in another encoding that looks like UTF-8": {sending(texts.WithCodec(odd{"text/plain; charset=latin1"}), "\xc3\xb6"),
			begin + `texts.written","datacontenttype":"text/plain; charset=latin1","time":"` + epoch + `","data_base64":"w7Y="}`},
		"text that is none": {sending(texts.WithCodec(odd{"text/plain"}), "gr\xf6\xdfer"),
			begin + `texts.written","datacontenttype":"text/plain","time":"` + epoch + `","data_base64":"Z3L232Vy"}`},
		"bytes": {sending(images, []byte{0, 255}),
			begin + `images.taken","datacontenttype":"application/octet-stream","time":"` + epoch + `","data_base64":"AP8="}`},
		"no bytes": {sending(images, nil),
			begin + `images.taken","datacontenttype":"application/octet-stream","time":"` + epoch + `"}`},
		"JSON that is none": {sending(texts.WithCodec(odd{"application/json"}), "{"),
			begin + `texts.written","datacontenttype":"application/json","time":"` + epoch + `","data_base64":"ew=="}`},
		"JSON as text that is none": {sending(texts.WithCodec(odd{"text/json"}), "{"),
			begin + `texts.written","datacontenttype":"text/json","time":"` + epoch + `","data_base64":"ew=="}`},
		"JSON by its suffix": {sending(texts.WithCodec(odd{"application/geo+json"}), "{}"),
			begin + `texts.written","datacontenttype":"application/geo+json","time":"` + epoch + `","data_base64":"e30="}`},
		"JSON by its suffix, as text": {sending(texts.WithCodec(odd{"text/x+json"}), "{}"),
			begin + `texts.written","datacontenttype":"text/x+json","time":"` + epoch + `","data_base64":"e30="}`},
		"no content type, JSON": {sending(texts.WithCodec(odd{}), "{}"),
			begin + `texts.written","datacontenttype":"application/octet-stream","time":"` + epoch + `","data_base64":"e30="}`},
		"no content type": {sending(texts.WithCodec(odd{}), "{"),
			begin + `texts.written","datacontenttype":"application/octet-stream","time":"` + epoch + `","data_base64":"ew=="}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, err := tc.send(t, &cloudevents.SendOptions{Mode: cloudevents.Structured})
				if err != nil {
					t.Fatal(err)
				}
				check(t, "payload", got.payload, tc.want)
				check(t, "ID and content type", got.id+" "+got.headers["content-type"], "7 application/cloudevents+json")
				if !json.Valid([]byte(got.payload)) {
					t.Error("it is no JSON")
				}
			})
		})
	}
}

// sending returns what sends one value with the ID 7.
func sending[T any](on topic.Topic[T], value T, attributes ...publisher.Attribute) func(*testing.T, *cloudevents.SendOptions) (seen, error) {
	return func(t *testing.T, o *cloudevents.SendOptions) (seen, error) {
		return send(t, o, on, value, append(attributes, publisher.ID("7"))...)
	}
}

// TestSendMakesAnID checks that both sides call the event by the same name, whoever chose it.
func TestSendMakesAnID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attributes []publisher.Attribute
		want       string
	}{
		"made":             {nil, ""},
		"the publisher's":  {[]publisher.Attribute{publisher.ID("7")}, "7"},
		"by the attribute": {[]publisher.Attribute{publisher.Header("ce-id", "8")}, "8"},
	} {
		for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
			t.Run(name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{cloudevents.Send(&cloudevents.SendOptions{Mode: mode})},
					Subscribe: []bus.Middleware{cloudevents.Receive(&cloudevents.ReceiveOptions{Required: true})}})
				got := bustest.Record(t, b, orders)
				if err := publish(t, b, orders, order{"pencil", 2}, nil, tc.attributes...); err != nil {
					t.Fatal(err)
				}
				e := got.Wait(1)[0]
				if id := e.Header("ce-id"); id != e.ID() || e.Value != (order{"pencil", 2}) {
					t.Errorf("got %v with ID %q and attribute %q", e, e.ID(), id)
				}
				if _, err := uuid.Parse(e.ID()); tc.want == "" && err != nil || tc.want != "" && e.ID() != tc.want {
					t.Errorf("ID %q, %v, want %q", e.ID(), err, tc.want)
				}
			})
		}
	}
}

// TestSendAgain has middleware that tries a second time, one that takes back what the first attempt has set: the same event goes out again.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	twice := bus.Middleware{Name: "twice", Phase: bus.PhaseRetry, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error { return errors.Join(next(ctx, m), next(ctx, m)) }
	}}
	refuse := bus.Wrap("refuse", func(bus.Handler) bus.Handler {
		return func(context.Context, *bus.Message) error { return errNoRoute }
	})
	for _, again := range []bus.Middleware{twice, middleware.Retry(&middleware.RetryOptions{Attempts: 2, Initial: time.Nanosecond})} {
		for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
			var all []seen
			chain := []bus.Middleware{again, cloudevents.Send(&cloudevents.SendOptions{Mode: mode}), watch(&all), refuse}
			if err := publish(t, bustest.New(t), orders, order{"pencil", 2}, chain, publisher.Header("tenant", "acme")); !errors.Is(err, errNoRoute) {
				t.Fatal(err)
			}
			if len(all) != 2 || all[0].id != all[1].id || all[0].payload != all[1].payload || all[0].headers.String() != all[1].headers.String() {
				t.Errorf("%s, %v: got %v", again.Name, mode, all)
			}
		}
	}
}

var errNoRoute = errors.New("no route")

// TestSendLeavesSubscribersAlone has one that knows nothing of CloudEvents.
func TestSendLeavesSubscribersAlone(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{cloudevents.Send(nil)}})
	got := bustest.Record(t, b, orders)
	if err := publish(t, b, orders, order{"pencil", 2}, nil); err != nil {
		t.Fatal(err)
	}
	if e := got.Wait(1)[0]; e.Value != (order{"pencil", 2}) || e.Header("content-type") != "application/json" {
		t.Errorf("got %v, content type %q", e, e.Header("content-type"))
	}
}

func TestSendErrors(t *testing.T) {
	t.Parallel()
	many := []publisher.Attribute{}
	for i := range 60 {
		many = append(many, publisher.Header("x"+strings.Repeat("x", i), "1"))
	}
	for name, tc := range map[string]struct {
		options    *cloudevents.SendOptions
		attributes []publisher.Attribute
		attribute  string
		want       string
	}{
		"no type":       {&cloudevents.SendOptions{Type: func(*bus.Message) string { return "" }}, nil, "type", `cloudevents: attribute "type" is "": MUST be a non-empty string`},
		"no source":     {nil, []publisher.Attribute{publisher.Header("ce-source", "")}, "source", `cloudevents: attribute "source" is "": it must not be empty`},
		"bad source":    {nil, []publisher.Attribute{publisher.Header("ce-source", "%")}, "source", `cloudevents: attribute "source" is "%": parse "%": invalid URL escape "%"`},
		"bad time":      {nil, []publisher.Attribute{publisher.Header("ce-time", "noon")}, "time", `cloudevents: attribute "time" is "noon": cannot convert "noon" to time.Time: not in RFC3339 format`},
		"bad extension": {nil, []publisher.Attribute{publisher.Header("ce-two-words", "2")}, "two-words", `cloudevents: attribute "two-words" is "2": it is no name of an extension: lower-case letters and digits, and not one that CloudEvents uses`},
		"bad text":      {nil, []publisher.Attribute{publisher.Header("ce-subject", "a\nb")}, "subject", `cloudevents: attribute "subject" is "a\nb": it must be UTF-8 without control characters and noncharacters`},
		"long ID":       {nil, []publisher.Attribute{publisher.Header("ce-id", strings.Repeat("i", 256))}, "id", `cloudevents: attribute "id" is "` + strings.Repeat("i", 64) + `": bus: the ID has 256 bytes, it must be 1 to 255`},
		"relative schema": {nil, []publisher.Attribute{publisher.Header("ce-dataschema", "order")}, "dataschema",
			`cloudevents: attribute "dataschema" is "order": if present, MUST adhere to the format specified in RFC 3986, Section 4.3. Absolute URI`},
		"too large": {nil, []publisher.Attribute{publisher.Header("ce-subject", strings.Repeat("s", 33<<10))}, "subject",
			`cloudevents: attribute "subject" is "` + strings.Repeat("s", 64) + `": names and values may have 32768 bytes in all`},
		"too many": {nil, many, strings.Repeat("x", 60), `cloudevents: attribute "` + strings.Repeat("x", 60) + `" is "1": an event may have 64 attributes`},
	} {
		for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
			t.Run(name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				o := cloudevents.SendOptions{Mode: mode}
				if tc.options != nil {
					o.Type = tc.options.Type
				}
				_, err := send(t, &o, orders, order{"pencil", 2}, tc.attributes...)
				var wrong *cloudevents.Error
				if !errors.As(err, &wrong) || wrong.Attribute != tc.attribute || err.Error() != tc.want {
					t.Errorf("got  %v\nwant %s", err, tc.want)
				}
			})
		}
	}
}

// TestSendDoesNotEncode checks that an event that does not encode fails with the codec's error.
func TestSendDoesNotEncode(t *testing.T) {
	t.Parallel()
	_, err := send(t, &cloudevents.SendOptions{Mode: cloudevents.Structured}, texts, "abc\xff")
	if want := "at byte 3: text of 4 bytes is not valid UTF-8"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

// TestSendSeveralFrames has a payload of several frames: in binary mode they arrive as they are, and in structured mode they are refused.
func TestSendSeveralFrames(t *testing.T) {
	t.Parallel()
	quotes := topic.New[[][]byte]("quotes").WithCodec(multipart.Codec)
	for _, tc := range []struct {
		mode  cloudevents.Mode
		value [][]byte
		want  string
	}{
		{cloudevents.Binary, [][]byte{[]byte("a"), {}, []byte("b")}, ""},
		{cloudevents.Structured, [][]byte{[]byte("a")}, ""},
		{cloudevents.Structured, [][]byte{[]byte("a"), {}, []byte("b")}, `cloudevents: attribute "data" is "": a payload of several frames cannot be in an event in the JSON format`},
	} {
		b := bustest.New(t, &bus.Options{
			Publish:   []bus.Middleware{cloudevents.Send(&cloudevents.SendOptions{Mode: tc.mode})},
			Subscribe: []bus.Middleware{cloudevents.Receive(nil)},
		})
		got := bustest.Record(t, b, quotes)
		err := publish(t, b, quotes, tc.value, nil)
		if err != nil || tc.want != "" {
			check(t, tc.mode.String(), fmt.Sprint(err), tc.want)
			continue
		}
		if v := got.Wait(1)[0].Value; !slices.EqualFunc(v, tc.value, bytes.Equal) {
			t.Errorf("%v: got %q, want %q", tc.mode, v, tc.value)
		}
	}
}

// TestSendWithoutContentType has a codec without one, and values that look like JSON and do not: all of them arrive.
func TestSendWithoutContentType(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, &bus.Options{
		Publish:   []bus.Middleware{cloudevents.Send(&cloudevents.SendOptions{Mode: cloudevents.Structured})},
		Subscribe: []bus.Middleware{cloudevents.Receive(nil)},
	})
	bare := texts.WithCodec(odd{})
	got := bustest.Record(t, b, bare)
	values := []string{"hello", "42", "", " {} "}
	for _, v := range values {
		if err := publish(t, b, bare, v, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range got.Wait(len(values)) {
		check(t, "value", e.Value, values[i])
	}
}

// TestSendOnTheSubscribeSide checks that a middleware on the wrong side is refused, and that one whose phase would let it stand there fails
// events instead of doing something else.
func TestSendOnTheSubscribeSide(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	send, receive := cloudevents.Send(nil), cloudevents.Receive(nil)
	handler := func(context.Context, topic.Event[order]) error { return nil }
	inline := &subscriber.Options{Inline: true, Middleware: []bus.Middleware{send}}
	var option *bus.OptionError
	if _, err := subscriber.New(b, orders, handler, inline); !errors.As(err, &option) || option.Value != bus.PhaseSend {
		t.Errorf("Send for a subscriber: %v", err)
	}
	if _, err := publisher.New(b, orders, &publisher.Options{Middleware: []bus.Middleware{receive}}); !errors.As(err, &option) || option.Value != bus.PhaseReceive {
		t.Errorf("Receive for a publisher: %v", err)
	}
	send.Phase, receive.Phase = 0, 0
	inline.Middleware = []bus.Middleware{send}
	if _, err := subscriber.New(b, orders, handler, inline); err != nil {
		t.Fatal(err)
	}
	err := publish(t, b, orders, order{"pencil", 2}, nil)
	if want := "cloudevents: Send is for the publish side, and this is a subscriber"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	err = publish(t, b, orders, order{"pencil", 2}, []bus.Middleware{receive})
	if want := "cloudevents: Receive is for the subscribe side, and this is a publisher"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
