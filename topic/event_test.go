package topic_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

var source = uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff")

// describe shows everything that the accessors of an event tell.
func describe[T any](e topic.Event[T]) string {
	at := "-"
	if !e.Time().IsZero() {
		at = e.Time().UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%v %q %q %v %d %s %q %v", e.Value, e.Topic(), e.ID(), e.Source(), e.Seq(), at, e.Key(), maps.Collect(e.Headers()))
}

func TestNewEvent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		metadata topic.Metadata
		want     string
	}{
		"nothing": {topic.Metadata{}, `value "" "" 00000000-0000-0000-0000-000000000000 0 - "" map[]`},
		"everything": {
			topic.Metadata{
				Topic: "orders.created", ID: "order-42", Source: source, Seq: 7, Time: time.Unix(0, 1_700_000_000_123_456_789), Key: "ada",
				Headers: map[string]string{"tenant": "acme", "content-type": "text/plain", "traceparent": "00-1", "empty": ""},
			},
			`value "orders.created" "order-42" 00112233-4455-6677-8899-aabbccddeeff 7 2023-11-14T22:13:20.123456789Z "ada" ` +
				`map[content-type:text/plain empty: tenant:acme traceparent:00-1]`,
		},
		"derived ID": {
			topic.Metadata{Topic: "orders.created", Source: source, Seq: 7},
			`value "orders.created" "1fa9b882-1759-5ddf-ab85-36768d05c639" 00112233-4455-6677-8899-aabbccddeeff 7 - "" map[]`,
		},
		"of a plain peer": {
			topic.Metadata{Topic: "orders.created", Headers: map[string]string{}},
			`value "orders.created" "" 00000000-0000-0000-0000-000000000000 0 - "" map[]`,
		},
	} {
		if got := describe(topic.NewEvent("value", tc.metadata)); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tc.want)
		}
	}
}

func TestNewEventPanics(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                       "topic: property name is empty",
		"Tenant":                 `topic: property name "Tenant" is not in lower case`,
		"tenant\xff":             `topic: property name "tenant\xff" is not valid UTF-8`,
		"id":                     `topic: header "id" is a field of its own`,
		"key":                    `topic: header "key" is a field of its own`,
		strings.Repeat("n", 256): `topic: property name "` + strings.Repeat("n", 32) + `"… has 256 bytes, more than 255`,
	} {
		err := recovered(func() { topic.NewEvent(1, topic.Metadata{Headers: map[string]string{"tenant": "acme", header: "x"}}) })
		if err == nil || err.Error() != want {
			t.Errorf("header %.40q: panicked with %v, want %s", header, err, want)
		}
	}
}

// TestNewEventKeepsNoMap checks that an event does not change with the metadata that it was made from.
func TestNewEventKeepsNoMap(t *testing.T) {
	t.Parallel()
	m := topic.Metadata{Headers: map[string]string{"tenant": "acme"}}
	e := topic.NewEvent(1, m)
	m.Headers["tenant"] = "other"
	if got := e.Header("tenant"); got != "acme" {
		t.Errorf("the header became %q", got)
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	e := topic.NewEvent(1, topic.Metadata{Key: "ada", Headers: map[string]string{"tenant": "acme"}})
	for name, want := range map[string]string{"tenant": "acme", "Tenant": "", "region": "", "": ""} {
		if got := e.Header(name); got != want {
			t.Errorf("Header(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestZeroEvent(t *testing.T) {
	t.Parallel()
	var e topic.Event[int]
	if got, want := describe(e), `0 "" "" 00000000-0000-0000-0000-000000000000 0 - "" map[]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := e.Header("tenant"); got != "" {
		t.Errorf("it has the header %q", got)
	}
}

func TestEventString(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]fmt.Stringer{
		"orders.created#7 {ada 2}": topic.NewEvent(order{"ada", 2}, topic.Metadata{Topic: "orders.created", Seq: 7}),
		"(no topic)#0 <nil>":       topic.Event[error]{},
	} {
		if got := e.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestInsideTheModule checks what the other packages build on: events with metadata of their own, and independent copies.
func TestInsideTheModule(t *testing.T) {
	t.Parallel()
	e := topic.FromMeta("value", envelope.Meta{Origin: &envelope.Origin{Topic: "orders.created", Keyed: true}, Seq: 7, Text: "ada"})
	event, value, meta := e.Copy()
	same, isEvent := event.(*topic.Event[string])
	if !isEvent || value != any(&same.Value) || meta != same.Meta() || describe(*same) != describe(e) {
		t.Fatalf("the copy is %v, with %v and %v", event, value, meta)
	}
	same.Value, meta.Seq = "other", 8
	meta.SetProperty("tenant", "acme")
	if got, want := describe(e), `value "orders.created" "" 00000000-0000-0000-0000-000000000000 7 - "ada" map[]`; got != want {
		t.Errorf("after changing the copy, the event is %s, want %s", got, want)
	}
}
