package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// steps appends the number of each step from first to last to the payload; after the step from version 3 there is none.
func steps(first, last int) map[int]func([]byte) ([]byte, error) {
	all := map[int]func([]byte) ([]byte, error){}
	for version := first; version <= last; version++ {
		all[version] = func(payload []byte) ([]byte, error) {
			if strings.HasPrefix(string(payload), "bad") && version == 3 {
				return nil, errNoCustomer
			}
			return fmt.Appendf(nil, "%s %d", payload, version), nil
		}
	}
	return all
}

func TestUpcast(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		role    bus.Role
		version string
		encoded bool // the message is that of an event from elsewhere
		payload string
		want    string // payload and version
		err     string
	}{
		"current":            {bus.RoleSubscriber, "4", true, "a", "a v4", ""},
		"one step":           {bus.RoleSubscriber, "3", true, "a", "a 3 v4", ""},
		"two steps":          {bus.RoleSubscriber, "2", true, "a", "a 2 3 v4", ""},
		"leading zero":       {bus.RoleSubscriber, "02", true, "a", "a 2 3 v4", ""},
		"current, zero":      {bus.RoleSubscriber, "04", true, "a", "a v4", ""},
		"local with version": {bus.RoleSubscriber, "3", false, "a", "a 3 v4", ""},
		"local without":      {bus.RoleSubscriber, "", false, "a", "a v", ""},
		"server":             {bus.RoleServer, "2", true, "a", "a 2 3 v4", ""},
		"publisher":          {bus.RolePublisher, "", false, "a", "a v4", ""},
		"publisher, changed": {bus.RolePublisher, "", true, "a", "a v4", ""},
		"publisher, old":     {bus.RolePublisher, "2", false, "a", "a 2 3 v4", ""},
		"without version":    {bus.RoleSubscriber, "", true, "a", "a v", `of version "" cannot become version 4: that is older than the oldest version that there is a step for`},
		"too old":            {bus.RoleSubscriber, "1", true, "a", "a v1", `of version "1" cannot become version 4: that is older than the oldest version that there is a step for`},
		"newer":              {bus.RoleSubscriber, "5", true, "a", "a v5", `of version "5" cannot become version 4: that is newer than this program`},
		"much newer":         {bus.RoleSubscriber, strings.Repeat("9", 30), true, "a", "a v" + strings.Repeat("9", 30), `that is newer than this program`},
		"zero":               {bus.RoleSubscriber, "0", true, "a", "a v0", `that is no version`},
		"negative":           {bus.RoleSubscriber, "-2", true, "a", "a v-2", `that is no version`},
		"text":               {bus.RoleSubscriber, "two", true, "a", "a vtwo", `that is no version`},
		"step fails":         {bus.RoleSubscriber, "2", true, "bad", "bad v2", `of version "2" cannot become version 4: step from version 3: no customer`},
		"publisher, newer":   {bus.RolePublisher, "5", false, "a", "a v5", `that is newer than this program`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			about := topic.Metadata{Topic: "orders.created"}
			if tc.version != "" {
				about.Headers = map[string]string{"schema-version": tc.version}
			}
			m := messageOf(tc.role, tc.payload, about)
			if tc.encoded {
				m.SetPayload([]byte(tc.payload))
			}
			calls := 0
			err := bus.Chain(returning(&calls, nil), middleware.Upcast(&middleware.UpcastOptions{Current: 4, Steps: steps(2, 3)}))(t.Context(), m)
			payload, failed := m.Payload()
			if got := fmt.Sprintf("%s v%s", payload, m.Header("schema-version")); got != tc.want || failed != nil {
				t.Errorf("the message has %s, %v; want %s", got, failed, tc.want)
			}
			if tc.err == "" {
				if err != nil || calls != 1 {
					t.Errorf("%d calls, %v", calls, err)
				}
				return
			}
			var upcast *middleware.UpcastError
			if !errors.As(err, &upcast) || upcast.Topic != "orders.created" || upcast.Version != tc.version || upcast.Current != 4 || calls != 0 {
				t.Fatalf("%d calls, %v", calls, err)
			}
			if !strings.HasSuffix(err.Error(), tc.err) || errors.Is(err, errNoCustomer) != (tc.payload == "bad") ||
				errors.Is(err, middleware.ErrNewer) != strings.HasSuffix(tc.err, "newer than this program") {
				t.Errorf("got  %v\nwant %s", err, tc.err)
			}
		})
	}
}

// TestUpcastLeavesWhatIsCurrent checks that a typed value stays one.
func TestUpcastLeavesWhatIsCurrent(t *testing.T) {
	t.Parallel()
	h := bus.Chain(returning(new(int), nil), middleware.Upcast(&middleware.UpcastOptions{Current: 4, Header: "v", Steps: steps(1, 3)}))
	for _, headers := range []map[string]string{nil, {"v": "4"}} {
		m := messageOf(bus.RoleSubscriber, "a", topic.Metadata{Headers: headers})
		if err := h(t.Context(), m); err != nil || m.Stale() {
			t.Errorf("%v: %v, to be decoded: %t", headers, err, m.Stale())
		}
	}
}

// TestUpcastPanics has a step that panics: the message is as it was.
func TestUpcastPanics(t *testing.T) {
	t.Parallel()
	all := steps(1, 2)
	all[2] = func([]byte) ([]byte, error) { panic(errNoStock) }
	m := messageOf(bus.RoleSubscriber, "", topic.Metadata{})
	m.SetPayload([]byte("a"))
	h := bus.Chain(returning(new(int), nil), middleware.Upcast(&middleware.UpcastOptions{Current: 3, Steps: all}))
	if panicked := apart(func() { _ = h(t.Context(), m) }); panicked != any(errNoStock) {
		t.Errorf("panicked with %v", panicked)
	}
	if payload, err := m.Payload(); string(payload) != "a" || m.Header("schema-version") != "" || err != nil {
		t.Errorf("the message has %s of version %q, %v", payload, m.Header("schema-version"), err)
	}
}

// Two versions of an event, and the step between them.
type (
	person struct{ Name string }
	named  struct{ First, Last string }
)

func split([]byte) ([]byte, error) { return []byte(`{"First":"ada","Last":"lovelace"}`), nil }

// TestUpcastOnABus publishes both versions on one bus: only the old one is changed, for the subscription of the new type.
func TestUpcastOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var got []string
		_, err := subscriber.New(b, topic.New[named]("people"), func(_ context.Context, e topic.Event[named]) error {
			got = append(got, fmt.Sprintf("%v of version %q", e.Value, e.Header("schema-version")))
			return nil
		}, &subscriber.Options{Middleware: []bus.Middleware{
			middleware.Upcast(&middleware.UpcastOptions{Current: 2, Steps: map[int]func([]byte) ([]byte, error){1: split}}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		before, err := publisher.New(b, topic.New[person]("people"), nil)
		if err != nil {
			t.Fatal(err)
		}
		now := topic.New[named]("people")
		unstamped, err := publisher.New(b, now, nil)
		if err != nil {
			t.Fatal(err)
		}
		stamped, err := publisher.New(b, now, &publisher.Options{Middleware: []bus.Middleware{middleware.Upcast(&middleware.UpcastOptions{Current: 2})}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(before.Publish(t.Context(), person{"ada lovelace"}), unstamped.Publish(t.Context(), named{"bob", "jones"}),
			stamped.Publish(t.Context(), named{"eve", "adams"})); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got, want := strings.Join(got, ", "), `{ada lovelace} of version "2", {bob jones} of version "", {eve adams} of version "2"`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestUpcastLeavesDeadLetters has events that cannot become the current version: they are set aside as they came, through an Upcast as well.
func TestUpcastLeavesDeadLetters(t *testing.T) {
	t.Parallel()
	for version, why := range map[string]string{"5": "newer than this program", "1": "older than", "": "older than", "2": "step from version 3"} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				upcast := middleware.Upcast(&middleware.UpcastOptions{Current: 4, Steps: steps(2, 3)})
				b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{upcast}})
				dead := bustest.Record(t, b, topic.New[[]byte]("orders.dead").WithCodec(codec.Raw))
				handle(t, b, func(string) error { return nil }, middleware.DeadLetter("orders.dead", nil), upcast)
				elsewhere := bustest.New(t)
				from := bus.Wrap("from", func(bus.Handler) bus.Handler { // the event as it comes from another process
					return func(ctx context.Context, m *bus.Message) error {
						m.SetPayload([]byte("bad"))
						return publisher.Forward(ctx, b, "orders.created", m)
					}
				})
				var attributes []publisher.Attribute
				if version != "" {
					attributes = append(attributes, publisher.Header("schema-version", version))
				}
				pub, err := publisher.New(elsewhere, orders, &publisher.Options{Middleware: []bus.Middleware{from}})
				if err != nil {
					t.Fatal(err)
				}
				if err := pub.Publish(t.Context(), "", attributes...); err != nil {
					t.Fatal(err)
				}
				e := dead.Wait(1)[0]
				if string(e.Value) != "bad" || e.Header("schema-version") != version || !strings.Contains(e.Header(middleware.DeadLetterReason), why) {
					t.Errorf("dead letter %s of version %q, because of %q", e.Value, e.Header("schema-version"), e.Header(middleware.DeadLetterReason))
				}
			})
		})
	}
}

func TestUpcastOptions(t *testing.T) {
	t.Parallel()
	checkRefused(t, middleware.Upcast(nil), "middleware.UpcastOptions.Current")
	missing := steps(1, 4)
	delete(missing, 3)
	none := steps(1, 4)
	none[2] = nil
	for _, tc := range []struct {
		o     middleware.UpcastOptions
		field string
	}{
		{middleware.UpcastOptions{Current: -1}, "Current"},
		{middleware.UpcastOptions{Current: 1, Header: "Version"}, "Header"},
		{middleware.UpcastOptions{Current: 1, Header: "id"}, "Header"},
		{middleware.UpcastOptions{Current: 1, Header: "key"}, "Header"},
		{middleware.UpcastOptions{Current: 1, Header: "\xff"}, "Header"},
		{middleware.UpcastOptions{Current: 1, Header: strings.Repeat("v", 256)}, "Header"},
		{middleware.UpcastOptions{Current: 5, Steps: missing}, "Steps[2]"},
		{middleware.UpcastOptions{Current: 5, Steps: steps(1, 3)}, "Steps[3]"},
		{middleware.UpcastOptions{Current: 5, Steps: none}, "Steps[2]"},
		{middleware.UpcastOptions{Current: 5, Steps: steps(0, 4)}, "Steps[0]"},
		{middleware.UpcastOptions{Current: 5, Steps: steps(2, 5)}, "Steps[5]"},
	} {
		checkRefused(t, middleware.Upcast(&tc.o), "middleware.UpcastOptions."+tc.field)
	}
	for _, o := range []middleware.UpcastOptions{{Current: 5}, {Current: 5, Steps: steps(4, 4)}, {Current: 5, Steps: steps(1, 4)}} {
		if m := middleware.Upcast(&o); m.Err != nil {
			t.Error(m.Err)
		}
	}
}
