package interop_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

func TestThreeFramesToPython(t *testing.T) {
	t.Parallel()
	b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort)})
	python := interop.Socket(t, interop.Spec{Type: "SUB", Connect: tr.Bound().Publish, Subscribe: []string{"weather"}})
	send(t, newPublisher(t, b, text("weather.berlin"), 1), "rain")
	frames := python.Message()
	if len(frames) != 3 || frames[0] != "weather.berlin" || !strings.HasPrefix(frames[1].(string), "\u00c1FFR\x01\x00") || frames[2] != "rain" {
		t.Errorf("%q", frames)
	}
}

// decoded is a line of the envelope reader.
type decoded struct {
	Topic, Source, Payload, ID string
	Seq                        uint64
	Time                       int64
	Properties                 map[string]string
}

// docs/wire.md shows the envelope reader as it is.
func TestEnvelopeReaderIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```python\n"+interop.EnvelopeReader+"```\n") {
		t.Error("docs/wire.md shows another reader than peers/read_envelope.py")
	}
}

// Thirty lines of Python read everything that we know of an event.
func TestEnvelopeReader(t *testing.T) {
	t.Parallel()
	if lines := strings.Count(interop.EnvelopeReader, "\n"); lines >= 30 {
		t.Errorf("the envelope reader has %d lines", lines)
	}
	b, tr := join(t, zmq.Options{Publish: zmq.Bind(interop.AnyPort)})
	_, local := collect(t, b, topic.NewPrefix[string]("weather.").WithCodec(text("w").Codec()))
	python := interop.Python(t, "read_envelope.py", tr.Bound().Publish[0], "weather.")
	named := text("weather.münchen").WithKey(func(s string) string { return "key of " + s })
	pub := newPublisher(t, b, named, 2) // the local one and Python
	for _, attributes := range [][]publisher.Attribute{
		nil,
		{publisher.Header("unit", "°C"), publisher.Header("empty", "")},
		{publisher.ID("my own"), publisher.Key("other")},
	} {
		if err := pub.Publish(interop.Patient(t), "snow", attributes...); err != nil {
			t.Fatal(err)
		}
		e := interop.Next(t, local)
		want := decoded{
			Topic: e.Topic(), Source: e.Source().String(), Payload: e.Value, ID: e.ID(), Seq: e.Seq(), Time: e.Time().UnixNano(),
			Properties: map[string]string{"key": e.Key()},
		}
		for name, value := range e.Headers() {
			want.Properties[name] = value
		}
		if len(attributes) > 0 && e.ID() == "my own" {
			want.Properties["id"] = e.ID()
		}
		var got decoded
		if err := json.Unmarshal([]byte(python.Line()), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v\nwant %+v", got, want)
		}
	}
}
