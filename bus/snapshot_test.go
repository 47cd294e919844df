package bus_test

import (
	"maps"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
)

// TestSnapshot changes messages in every way that middleware and the end of a chain do, and restores them.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	setPayload := func(t *testing.T, m *bus.Message) { m.SetPayload([]byte(`"three pens"`)) }
	setHeader := func(t *testing.T, m *bus.Message) {
		if err := m.SetHeader("attempt", "first"); err != nil {
			t.Error(err)
		}
	}
	for name, change := range map[string][]func(t *testing.T, m *bus.Message){
		"nothing":             nil,
		"decoded":             {decoded},
		"header":              {setHeader},
		"payload":             {setPayload},
		"payload, decoded":    {setPayload, decoded},
		"payload twice":       {setPayload, setPayload, decoded},
		"all":                 {setHeader, setPayload, setHeader, decoded},
		"numbered":            {func(_ *testing.T, m *bus.Message) { m.Meta().Seq, m.Meta().Time = 7, 7 }},
		"payload, numbered":   {setPayload, func(_ *testing.T, m *bus.Message) { m.Meta().Seq = 7 }},
		"looked at":           {func(t *testing.T, m *bus.Message) { checkPayload(t, m, `"two pencils"`) }},
		"looked at, then set": {func(t *testing.T, m *bus.Message) { checkPayload(t, m, `"two pencils"`) }, setPayload, decoded},
	} {
		for kind, meta := range map[string]envelope.Meta{
			"local":          {Origin: &envelope.Origin{Topic: "orders.created", ContentType: "application/json"}, Text: property("unit", "piece")},
			"local, keyed":   {Origin: &envelope.Origin{Topic: "orders.created", Keyed: true}, Text: "customer 1"},
			"from elsewhere": {Origin: &envelope.Origin{Topic: "orders.created", Remote: true, Encoded: [][]byte{[]byte(`"two pencils"`)}}, Seq: 3},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				e := topic.FromMeta("", meta)
				if meta.Encoded() == nil {
					e.Value = "two pencils"
				}
				m := bus.NewMessage(&bus.Party{}, codec.JSON)
				m.Reset(e.Meta(), &e, &e.Value)
				headers := maps.Collect(m.Headers())
				s := m.Snapshot()
				for range 3 { // attempts
					for _, f := range change {
						f(t, m)
					}
					m.Restore(s)
					if got := maps.Collect(m.Headers()); !maps.Equal(got, headers) {
						t.Errorf("headers %v, want %v", got, headers)
					}
					if m.Key() != meta.Key() || m.Seq() != meta.Seq || m.Meta().Time != meta.Time {
						t.Errorf("key %q, seq %d, time %v", m.Key(), m.Seq(), m.Time())
					}
					checkPayload(t, m, `"two pencils"`)
					decoded(t, m)
					if value := m.Event().(*topic.Event[string]).Value; value != "two pencils" {
						t.Errorf("the handler would get %q", value)
					}
				}
			})
		}
	}
}

// TestSnapshotKeepsTheID gives an event an ID in one attempt, whose other changes are taken back: the next one is for the same event.
func TestSnapshotKeepsTheID(t *testing.T) {
	t.Parallel()
	for _, keyed := range []bool{false, true} {
		meta := envelope.Meta{Origin: &envelope.Origin{Topic: "orders.created", Keyed: keyed}}
		if keyed {
			meta.Text = "customer 1"
		}
		e := topic.FromMeta("two pencils", meta)
		m := bus.NewMessage(&bus.Party{}, codec.JSON)
		m.Reset(e.Meta(), &e, &e.Value)
		s := m.Snapshot()
		for range 3 { // attempts
			if err := m.SetID("7"); err != nil {
				t.Fatal(err)
			}
			if err := m.SetHeader("attempt", "first"); err != nil {
				t.Fatal(err)
			}
			m.SetPayload([]byte(`"three pens"`))
			m.Restore(s)
			if m.ID() != "7" || m.Key() != meta.Key() || m.Header("attempt") != "" {
				t.Errorf("ID %q, key %q, headers %v", m.ID(), m.Key(), maps.Collect(m.Headers()))
			}
			checkPayload(t, m, `"two pencils"`)
		}
		if err := m.SetID("8"); err == nil {
			t.Error("the ID has changed")
		}
	}
}

// decoded does what the end of every chain does.
func decoded(t *testing.T, m *bus.Message) {
	if err := m.Decode(); err != nil {
		t.Error(err)
	}
}

func checkPayload(t *testing.T, m *bus.Message, want string) {
	t.Helper()
	if got, err := m.Payload(); err != nil || string(got) != want {
		t.Errorf("payload %s, %v, want %s", got, err, want)
	}
}

// property is an encoded header.
func property(name, value string) string { return string(envelope.AppendProperty(nil, name, value)) }
