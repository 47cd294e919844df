package cloudevents_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/format"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
	"github.com/google/uuid"
)

// patience bounds every wait for the other side.
const patience = 30 * time.Second

// versions are the SDK's attributes by the names of our headers.
var versions = spec.WithPrefix("ce-")

// message is an event on the wire, as the SDK's bindings see it: the headers, and the payload.
type message struct {
	headers headers
	payload []byte
}

var (
	_ binding.MessageReader         = (*message)(nil)
	_ binding.MessageMetadataReader = (*message)(nil)
)

func (m *message) ReadEncoding() binding.Encoding {
	switch {
	case format.IsFormat(m.headers["content-type"]):
		return binding.EncodingStructured
	case versions.Version(m.headers["ce-specversion"]) != nil:
		return binding.EncodingBinary
	}
	return binding.EncodingUnknown
}

func (m *message) ReadStructured(ctx context.Context, w binding.StructuredWriter) error {
	if m.ReadEncoding() != binding.EncodingStructured {
		return binding.ErrNotStructured
	}
	return w.SetStructuredEvent(ctx, format.Lookup(m.headers["content-type"]), bytes.NewReader(m.payload))
}

func (m *message) ReadBinary(_ context.Context, w binding.BinaryWriter) error {
	if m.ReadEncoding() != binding.EncodingBinary {
		return binding.ErrNotBinary
	}
	version := versions.Version(m.headers["ce-specversion"])
	for name, value := range m.headers {
		var err error
		if name == "content-type" {
			err = w.SetAttribute(version.AttributeFromKind(spec.DataContentType), value)
		} else if attribute := version.Attribute(name); attribute != nil {
			err = w.SetAttribute(attribute, value)
		} else if extension, found := strings.CutPrefix(name, "ce-"); found {
			err = w.SetExtension(extension, value)
		}
		if err != nil {
			return err
		}
	}
	if len(m.payload) == 0 {
		return nil
	}
	return w.SetData(bytes.NewReader(m.payload))
}

// GetAttribute returns an attribute of a message in binary mode.
func (m *message) GetAttribute(kind spec.Kind) (spec.Attribute, any) {
	a := versions.Version(m.headers["ce-specversion"]).AttributeFromKind(kind)
	name := a.PrefixedName()
	if kind == spec.DataContentType {
		name = "content-type"
	}
	if value, found := m.headers[name]; found {
		return a, value
	}
	return a, nil
}

// GetExtension returns an extension of a message in binary mode.
func (m *message) GetExtension(name string) any { return m.headers["ce-"+name] }

// writer makes a message of an event of the SDK's, in binary mode.
type writer struct{ *message }

var _ binding.BinaryWriter = writer{}

func (w writer) Start(context.Context) error { return nil }
func (w writer) End(context.Context) error   { return nil }

func (w writer) SetAttribute(a spec.Attribute, value any) error {
	name := "ce-" + a.Name()
	if a.Kind() == spec.DataContentType {
		name = "content-type"
	}
	return w.set(name, value)
}

func (w writer) SetExtension(name string, value any) error { return w.set("ce-"+name, value) }

func (w writer) set(name string, value any) error {
	if value == nil {
		return nil
	}
	text, err := formatted(value)
	w.headers[name] = text
	return err
}

func (w writer) SetData(data io.Reader) (err error) {
	w.payload, err = io.ReadAll(data)
	return err
}

// wired connects a socket that is not the bus's with a bus: what each publishes the other gets.
type wired struct {
	bus *bus.Bus
	sub *socket.Sub // what the bus publishes
	pub *socket.Pub // what the bus gets
}

func wire(t *testing.T, o bus.Options) *wired {
	t.Helper()
	w := &wired{sub: socket.NewSub(nil), pub: socket.NewPub(nil)}
	t.Cleanup(func() { _, _ = w.sub.Close(), w.pub.Close() })
	if err := w.pub.Listen("tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	tr, err := zmq.New(&zmq.Options{Publish: zmq.Bind("tcp://127.0.0.1:0"), Subscribe: zmq.Connect(w.pub.Bound()...)})
	if err != nil {
		t.Fatal(err)
	}
	o.Transport = tr
	w.bus = bustest.New(t, &o)
	if err := w.sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	if err := w.sub.Dial(tr.Bound().Publish[0]); err != nil {
		t.Fatal(err)
	}
	return w
}

// next returns the next event that the bus sends.
func (w *wired) next(t *testing.T) *message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := w.sub.RecvContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Frames) == 2 { // a plain event
		return &message{nil, m.Frames[1]}
	}
	header, err := envelope.Parse(m.Frames[1])
	if err != nil {
		t.Fatal(err)
	}
	return &message{maps.Collect(envelope.All(header.Properties)), bytes.Join(m.Frames[2:], nil)}
}

// send sends an event to the bus, from any goroutine, with headers in an envelope, without them as a plain peer.
func (w *wired) send(t *testing.T, on string, m *message) {
	t.Helper()
	frames := [][]byte{[]byte(on), m.payload}
	if m.headers != nil {
		var text []byte
		for _, name := range slices.Sorted(maps.Keys(m.headers)) {
			text = envelope.AppendProperty(text, name, m.headers[name])
		}
		meta := envelope.Meta{Origin: &envelope.Origin{Topic: on, Source: uuid.New()}, Seq: 1, Text: string(text)}
		frames = [][]byte{[]byte(on), envelope.Append(nil, &meta), m.payload}
	}
	if err := w.pub.Send(zmq4.NewMsgFrom(frames...)); err != nil {
		t.Error(err)
	}
}

// sendOverWire publishes an event, and returns what arrives.
func sendOverWire[T any](t *testing.T, o *cloudevents.SendOptions, on topic.Topic[T], value T, attributes ...publisher.Attribute) *message {
	t.Helper()
	return sendWith(t, o, nil, on, value, attributes...)
}

// sendWith is sendOverWire with options of the publisher.
func sendWith[T any](t *testing.T, o *cloudevents.SendOptions, p *publisher.Options, on topic.Topic[T], value T, attributes ...publisher.Attribute) *message {
	t.Helper()
	w := wire(t, bus.Options{Name: "billing", Publish: []bus.Middleware{cloudevents.Send(o)}})
	pub, err := publisher.New(w.bus, on, p)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := pub.WaitSubscribers(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(ctx, value, attributes...); err != nil {
		t.Fatal(err)
	}
	return w.next(t)
}

// TestSDKReads has the SDK read what a plain peer gets, validate it, and see every attribute and the data.
func TestSDKReads(t *testing.T) {
	t.Parallel()
	for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
		o := &cloudevents.SendOptions{
			Mode: mode, Source: "https://example.com/größe?a=b", DataSchema: "https://example.com/schema", Extensions: map[string]string{"region": "eu"},
			Subject: func(m *bus.Message) string { return "größer \"" + m.Key() + "\" \\" },
		}
		attributes := []publisher.Attribute{publisher.Key("ada"), publisher.ID("order/7"), publisher.Header("tenant", "acme"),
			publisher.Header("ce-time", "2020-01-01T01:00:00.123456789+01:00"), publisher.Header("not-an-extension", "\x00")}
		for name, tc := range map[string]struct {
			send        func(*testing.T) *message
			contentType string
			data        string
		}{
			"JSON":  {func(t *testing.T) *message { return sendOverWire(t, o, orders, order{"größer", 2}, attributes...) }, "application/json", `{"item":"größer","count":2}`},
			"text":  {func(t *testing.T) *message { return sendOverWire(t, o, texts, "größer\u2028\"\n\x01", attributes...) }, "text/plain; charset=utf-8", "größer\u2028\"\n\x01"},
			"bytes": {func(t *testing.T) *message { return sendOverWire(t, o, images, []byte{0, 255}, attributes...) }, "application/octet-stream", "\x00\xff"},
		} {
			t.Run(mode.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				m := tc.send(t)
				if want := map[cloudevents.Mode]binding.Encoding{cloudevents.Binary: binding.EncodingBinary, cloudevents.Structured: binding.EncodingStructured}[mode]; m.ReadEncoding() != want {
					t.Errorf("encoding %v, want %v", m.ReadEncoding(), want)
				}
				e, err := binding.ToEvent(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				if err := e.Validate(); err != nil {
					t.Error(err)
				}
				check(t, "type", e.Type(), map[string]string{"JSON": orders.String(), "text": texts.String(), "bytes": images.String()}[name])
				check(t, "attributes", strings.Join([]string{e.SpecVersion(), e.ID(), e.Source(), e.Subject(), e.DataSchema(), e.DataContentType(), e.Time().UTC().Format(time.RFC3339Nano)}, "\n"),
					"1.0\norder/7\nhttps://example.com/gr%C3%B6%C3%9Fe?a=b\ngrößer \"ada\" \\\nhttps://example.com/schema\n"+tc.contentType+"\n2020-01-01T00:00:00.123456789Z")
				check(t, "data", string(e.Data()), tc.data)
				if got := e.Extensions(); !maps.Equal(got, map[string]any{"tenant": "acme", "region": "eu"}) {
					t.Errorf("extensions %v", got)
				}
			})
		}
	}
}

// TestSDKReadsDefaults has nothing but what Send makes up itself.
func TestSDKReadsDefaults(t *testing.T) {
	t.Parallel()
	for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			begin := time.Now().Add(-time.Second)
			m := sendOverWire(t, &cloudevents.SendOptions{Mode: mode}, orders, order{"pencil", 2})
			e, err := binding.ToEvent(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
			if _, err := uuid.Parse(e.ID()); err != nil || e.ID() != m.headers["id"] {
				t.Errorf("ID %q, the event's is %q: %v", e.ID(), m.headers["id"], err)
			}
			if e.Source() != "/fanfare/billing" || e.Type() != "orders.created" || e.Time().Before(begin) || len(e.Extensions()) != 0 {
				t.Errorf("got %v", e)
			}
		})
	}
}

// TestSDKReadsPlainEvents has peers that are not ours: all that they get is the event in the JSON format.
func TestSDKReadsPlainEvents(t *testing.T) {
	t.Parallel()
	m := sendWith(t, &cloudevents.SendOptions{Mode: cloudevents.Structured}, &publisher.Options{Plain: true}, orders, order{"pencil", 2}, publisher.ID("7"))
	e := event.New()
	if err := e.UnmarshalJSON(m.payload); err != nil || e.Validate() != nil || m.headers != nil {
		t.Fatalf("got %v: %v, %v", m, err, e.Validate())
	}
	check(t, "event", e.ID()+" "+e.Type()+" "+string(e.Data()), `7 orders.created {"item":"pencil","count":2}`)
}

// TestReceiveFromTheSDK takes events that the SDK has made, in both modes, and from a plain peer.
func TestReceiveFromTheSDK(t *testing.T) {
	t.Parallel()
	for name, e := range sdkEvents(t) {
		for mode, m := range sdkMessages(t, e) {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				on := topic.New[string]("from.elsewhere").WithCodec(odd{e.DataContentType()})
				w := wire(t, bus.Options{Subscribe: []bus.Middleware{cloudevents.Receive(&cloudevents.ReceiveOptions{Required: true, Plain: true})}})
				got := bustest.Record(t, w.bus, on)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := got.Subscription().Ready(ctx); err != nil {
					t.Fatal(err)
				}
				w.send(t, on.String(), m)
				received := got.Wait(1)[0]
				check(t, "data", received.Value, string(e.Data()))
				if mode == "plain" {
					check(t, "ID", received.ID(), e.ID())
				}
				back, err := cloudevents.FromHeaders(received.Headers())
				if err != nil {
					t.Fatal(err)
				}
				if back.Validate() != nil {
					t.Error(back.Validate())
				}
				check(t, "attributes", described(t, back), described(t, e))
			})
		}
	}
}

// sdkEvents returns events that the SDK has made, all valid.
func sdkEvents(t *testing.T) map[string]event.Event {
	t.Helper()
	events := map[string]event.Event{}
	for name, data := range map[string]struct {
		contentType string
		data        any
	}{
		"value": {event.ApplicationJSON, order{"größer", 2}}, "raw JSON": {event.ApplicationJSON, []byte(`{"a": 1}`)}, "text": {event.TextPlain, "größer\n"}, "bytes": {"application/x", []byte{0, 255}},
		"XML": {event.ApplicationXML, order{"pencil", 2}},
	} {
		e := event.New()
		e.SetID("order/7")
		e.SetSource("https://example.com/shop?a=b")
		e.SetType("com.example.order")
		e.SetSubject("pencils \"soft\"")
		e.SetTime(time.Date(2020, 1, 1, 0, 0, 0, 123456789, time.FixedZone("", 3600)))
		e.SetDataSchema("https://example.com/schema")
		e.SetExtension("text", "größer")
		e.SetExtension("number", 5)
		e.SetExtension("truth", true)
		e.SetExtension("bytes", []byte{0, 255})
		if err := e.SetData(data.contentType, data.data); err != nil {
			t.Fatal(err)
		}
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		events[name] = e
	}
	return events
}

// sdkMessages returns the forms in which the SDK writes an event.
func sdkMessages(t *testing.T, e event.Event) map[string]*message {
	t.Helper()
	body, err := format.JSON.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	asBinary := &message{headers: headers{}}
	if _, err := binding.Write(binding.WithForceBinary(t.Context()), (*binding.EventMessage)(&e), nil, writer{asBinary}); err != nil {
		t.Fatal(err)
	}
	return map[string]*message{"binary": asBinary, "structured": {headers{"content-type": format.JSON.MediaType()}, body}, "plain": {nil, body}}
}
