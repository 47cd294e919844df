package cloudevents_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestDocumented checks that what docs/wire.md shows of CloudEvents is what is sent.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## CloudEvents\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "```\n")
	if len(blocks) != 5 {
		t.Fatalf("docs/wire.md has %d parts in the section on CloudEvents, want two examples", len(blocks))
	}
	for mode, block := range map[cloudevents.Mode]string{cloudevents.Binary: blocks[1], cloudevents.Structured: blocks[3]} {
		properties, payload, _ := strings.Cut(block, "\n\n")
		shown := headers{}
		for line := range strings.Lines(properties) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			shown[name] = strings.TrimSpace(value)
		}
		got := documented(t, mode)
		check(t, mode.String(), got.headers.String(), shown.String())
		check(t, mode.String(), got.payload, strings.ReplaceAll(strings.TrimSpace(payload), "\n ", ""))
	}
}

// documented sends the event of the examples, and returns its properties and payload.
func documented(t *testing.T, mode cloudevents.Mode) (got seen) {
	t.Helper()
	text := envelope.AppendProperty(nil, "tenant", "acme")
	text = envelope.AppendProperty(text, "key", "k")
	text = envelope.AppendProperty(text, "id", "42")
	meta := envelope.Meta{Origin: &envelope.Origin{Topic: "orders.created", ContentType: "application/json"}, Time: 1700000000000000000, Text: string(text)}
	e := topic.FromMeta(map[string]int{"id": 1}, meta)
	m := bus.NewMessage(&bus.Party{Bus: bustest.New(t, &bus.Options{Name: "billing"}), Role: bus.RolePublisher}, codec.JSON)
	m.Reset(e.Meta(), &e, &e.Value)
	err := bus.Chain(func(_ context.Context, m *bus.Message) (err error) {
		got, err = look(m)
		got.headers["id"], got.headers["key"] = m.ID(), m.Key()
		return err
	}, cloudevents.Send(&cloudevents.SendOptions{Mode: mode}))(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
