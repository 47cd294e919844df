package bus_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// setID returns middleware that calls SetID, and notes what comes of it: before the rest of the chain, or after it.
func setID(id string, after bool, errs *[]string) bus.Middleware {
	return bus.Wrap("set ID", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			note := func() {
				text := ""
				if err := m.SetID(id); err != nil {
					text = err.Error()
				}
				*errs = append(*errs, text)
			}
			if after {
				defer note()
			} else {
				note()
			}
			return next(ctx, m)
		}
	})
}

// TestSetID checks when a middleware can give an event an ID, and that everybody calls it by that one.
func TestSetID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("i", 255)
	for name, tc := range map[string]struct {
		given []publisher.Attribute
		id    string
		after bool
		err   string
		want  string // "" for one made of source, topic and sequence
	}{
		"none yet":   {nil, "7", false, "", "7"},
		"beside key": {[]publisher.Attribute{publisher.Key("k")}, "7", false, "", "7"},
		"the same":   {[]publisher.Attribute{publisher.ID("7")}, "7", false, "", "7"},
		"another":    {[]publisher.Attribute{publisher.ID("8")}, "7", false, `bus: the event has the ID "8" already, it cannot become "7"`, "8"},
		"longest":    {nil, long, false, "", long},
		"too long":   {nil, long + "i", false, "bus: the ID has 256 bytes, it must be 1 to 255", ""},
		"empty":      {nil, "", false, "bus: the ID has 0 bytes, it must be 1 to 255", ""},
		"too late":   {nil, "7", true, `bus: the event has the ID "DERIVED" already, it cannot become "7"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := newFakeTransport()
				b := bustest.New(t, &bus.Options{Transport: tr})
				got := bustest.Record(t, b, numbers)
				var errs []string
				pub, err := publisher.New(b, numbers, &publisher.Options{Middleware: []bus.Middleware{setID(tc.id, tc.after, &errs)}})
				if err != nil {
					t.Fatal(err)
				}
				if err := pub.Publish(t.Context(), 1, tc.given...); err != nil {
					t.Fatal(err)
				}
				derived := uuid.NewSHA1(b.Source(), []byte(numbers.String()+"\x001")).String()
				want := tc.want
				if want == "" {
					want = derived
				}
				e := got.Wait(1)[0]
				header, err := envelope.Parse(tr.published[0].Envelope)
				if err != nil {
					t.Fatal(err)
				}
				if sent, found := envelope.Lookup(header.Properties, "id"); e.ID() != want || found != (tc.want != "") || found && sent != want {
					t.Errorf("ID %q here, %q on the wire, want %q", e.ID(), sent, want)
				}
				if e.Key() != "" != (name == "beside key") {
					t.Errorf("key %q", e.Key())
				}
				if wantErr := strings.ReplaceAll(tc.err, "DERIVED", derived); len(errs) != 1 || errs[0] != wantErr {
					t.Errorf("got %q, want %q", errs, wantErr)
				}
			})
		})
	}
}

// TestSetIDOfReceivedEvents has a plain peer, whose events have no ID, and a bus.
func TestSetIDOfReceivedEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newFakeTransport()
		var errs []string
		b := bustest.New(t, &bus.Options{Transport: tr, Subscribe: []bus.Middleware{setID("7", false, &errs)}})
		got := bustest.Record(t, b, numbers)
		tr.incoming <- transport.Message{Topic: numbers.String(), Payload: [][]byte{[]byte("1")}}
		source := uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff")
		tr.receive(source, 1, numbers.String(), "2")
		events := got.Wait(2)
		derived := uuid.NewSHA1(source, []byte(numbers.String()+"\x001")).String()
		if events[0].ID() != "7" || events[1].ID() != derived {
			t.Errorf("IDs %q and %q, want 7 and %q", events[0].ID(), events[1].ID(), derived)
		}
		if want := `bus: the event has the ID "` + derived + `" already, it cannot become "7"`; len(errs) != 2 || errs[0] != "" || errs[1] != want {
			t.Errorf("got %q, want none and %q", errs, want)
		}
	})
}
