package envelope_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// TestMetaStaysSmall guards the price of an event: its metadata is copied into every queue and out of it.
func TestMetaStaysSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(envelope.Meta{}); size > 48 {
		t.Errorf("Meta has %d bytes, more than 48", size)
	}
}

func TestZeroMeta(t *testing.T) {
	t.Parallel()
	var m envelope.Meta
	_, found := m.Property("tenant")
	if m.Key() != "" || m.ID() != "" || found || pairs(m.Headers()) != nil {
		t.Errorf("key %q, ID %q, a property: %t, headers %q", m.Key(), m.ID(), found, pairs(m.Headers()))
	}
}

// TestID has IDs that Python's uuid.uuid5(source, topic + "\0" + str(seq)) made.
func TestID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		origin envelope.Origin
		seq    uint64
		text   string
		want   string
	}{
		"derived":        {envelope.Origin{Topic: "orders.created", Source: source}, 7, "", "1fa9b882-1759-5ddf-ab85-36768d05c639"},
		"of a key":       {envelope.Origin{Topic: "orders.created", Source: source, Keyed: true}, 7, "k", "1fa9b882-1759-5ddf-ab85-36768d05c639"},
		"largest":        {envelope.Origin{Topic: "orders.created", Source: source}, 1<<64 - 1, "", "0cc35aef-b21a-55fb-993b-48610b57fad9"},
		"no topic":       {envelope.Origin{Source: source}, 1, "", "e92a8071-5b65-5fe8-9b71-21710e68b3ba"},
		"given":          {envelope.Origin{Topic: "orders.created", Source: source}, 7, text("id", "order-42"), "order-42"},
		"given twice":    {envelope.Origin{Topic: "orders.created", Source: source}, 7, text("id", "1", "id", "2"), "2"},
		"given, plain":   {envelope.Origin{Topic: "orders.created"}, 0, text("id", "order-42"), "order-42"},
		"key named id":   {envelope.Origin{Topic: "orders.created", Keyed: true}, 0, text("id", "order-42"), ""},
		"plain":          {envelope.Origin{Topic: "orders.created", Source: uuid.Nil}, 0, "", ""},
		"plain, counted": {envelope.Origin{Topic: "orders.created", Source: uuid.Nil}, 7, "", ""},
		"not published":  {envelope.Origin{Topic: "orders.created", Source: source}, 0, "", ""},
	} {
		m := envelope.Meta{Origin: &tc.origin, Seq: tc.seq, Text: tc.text}
		if got := m.ID(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestKeyAndProperty(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		origin                   envelope.Origin
		text                     string
		key, tenant, contentType string
	}{
		"nothing":               {envelope.Origin{}, "", "", "", ""},
		"bare key":              {envelope.Origin{Keyed: true}, "k", "k", "", ""},
		"bare key, typed":       {envelope.Origin{Keyed: true, ContentType: "text/plain"}, "k", "k", "", "text/plain"},
		"key like a property":   {envelope.Origin{Keyed: true}, text("tenant", "acme"), text("tenant", "acme"), "", ""},
		"properties":            {envelope.Origin{}, text("tenant", "acme", "key", "k"), "k", "acme", ""},
		"duplicates":            {envelope.Origin{}, text("key", "1", "tenant", "a", "key", "2", "tenant", "b"), "2", "b", ""},
		"content type of event": {envelope.Origin{ContentType: "text/plain"}, text("content-type", "image/png"), "", "", "image/png"},
		"empty content type":    {envelope.Origin{ContentType: "text/plain"}, text("content-type", ""), "", "", ""},
	} {
		m := envelope.Meta{Origin: &tc.origin, Text: tc.text}
		property := func(name string) string {
			value, found := m.Property(name)
			if value != "" && !found {
				t.Errorf("%s is %q, but is not found", name, value)
			}
			return value
		}
		got := []string{m.Key(), property("key"), property("tenant"), property("content-type")}
		if want := []string{tc.key, tc.key, tc.tenant, tc.contentType}; !slices.Equal(got, want) {
			t.Errorf("%s: key, key, tenant and content type are %q, want %q", name, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		origin envelope.Origin
		text   string
		want   []string
	}{
		"nothing":           {envelope.Origin{}, "", nil},
		"bare key":          {envelope.Origin{Keyed: true}, "k", nil},
		"bare key, typed":   {envelope.Origin{Keyed: true, ContentType: "text/plain"}, "k", []string{"content-type", "text/plain"}},
		"no key, no ID":     {envelope.Origin{}, text("key", "k", "tenant", "acme", "id", "1"), []string{"tenant", "acme"}},
		"last of several":   {envelope.Origin{}, text("a", "1", "b", "2", "a", "3", "a", "4"), []string{"b", "2", "a", "4"}},
		"local, then event": {envelope.Origin{ContentType: "text/plain"}, text("b", "2", "a", "1"), []string{"content-type", "text/plain", "b", "2", "a", "1"}},
		"event's own type":  {envelope.Origin{ContentType: "text/plain"}, text("content-type", "image/png"), []string{"content-type", "image/png"}},
		"reserved names":    {envelope.Origin{}, text("traceparent", "00-1"), []string{"traceparent", "00-1"}},
	} {
		m := envelope.Meta{Origin: &tc.origin, Text: tc.text}
		if got := pairs(m.Headers()); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestHeadersStopWhenAsked(t *testing.T) {
	t.Parallel()
	m := envelope.Meta{Origin: &envelope.Origin{ContentType: "text/plain"}, Text: text("a", "1", "b", "2")}
	for stop, want := range map[string]int{"content-type": 1, "a": 2, "b": 3} {
		n := 0
		for name := range m.Headers() {
			if n++; name == stop {
				break
			}
		}
		if n != want {
			t.Errorf("stopping at %s, %d headers came, want %d", stop, n, want)
		}
	}
}

func TestSetProperty(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		origin      envelope.Origin
		text        string
		name, value string
		want        string
	}{
		"keyed":       {envelope.Origin{Keyed: true}, "k", "tenant", "acme", text("key", "k", "tenant", "acme")},
		"without key": {envelope.Origin{Keyed: true}, "", "tenant", "acme", text("tenant", "acme")},
		"unkeyed":     {envelope.Origin{}, text("a", "1"), "tenant", "acme", text("a", "1", "tenant", "acme")},
		"empty":       {envelope.Origin{}, "", "tenant", "", text("tenant", "")},
		"replaced":    {envelope.Origin{}, text("tenant", "a", "b", "2", "tenant", "c"), "tenant", "acme", text("b", "2", "tenant", "acme")},
	} {
		origin := tc.origin
		m := envelope.Meta{Origin: &origin, Text: tc.text}
		m.SetProperty(tc.name, tc.value)
		if m.Text != tc.want || m.Origin.Keyed {
			t.Errorf("%s: %q, keyed = %t, want %q", name, m.Text, m.Origin.Keyed, tc.want)
		}
		if !reflect.DeepEqual(tc.origin, origin) {
			t.Errorf("%s: the origin that others share became %+v", name, origin)
		}
	}
}

func TestSetPropertyKeepsTheOrigin(t *testing.T) {
	t.Parallel()
	origin := envelope.Origin{Topic: "orders.created", Source: source, ContentType: "text/plain", Keyed: true, Remote: true}
	m := envelope.Meta{Origin: &origin, Seq: 7, Text: "k"}
	m.SetProperty("tenant", "acme")
	want := origin
	want.Keyed = false
	if !reflect.DeepEqual(*m.Origin, want) {
		t.Errorf("got %+v, want %+v", *m.Origin, want)
	}
}

// BenchmarkHeaders has as many properties as fit, which only a hostile peer sends: the price must grow with their number, not with
// its square.
func BenchmarkHeaders(b *testing.B) {
	most := (envelope.MaxSize - envelope.Size) / len(text("n", ""))
	for name, n := range map[string]int{"few": 3, "most": most} {
		b.Run(name, func(b *testing.B) {
			m := envelope.Meta{Origin: &envelope.Origin{}, Text: strings.Repeat(text("n", ""), n)}
			b.ReportAllocs()
			for b.Loop() {
				if got := len(pairs(m.Headers())); got != 2 {
					b.Fatalf("%d names and values", got)
				}
			}
		})
	}
}
