package cloudevents_test

import (
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

func TestSendOptions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options cloudevents.SendOptions
		want    string
	}{
		"none":            {cloudevents.SendOptions{}, ""},
		"relative source": {cloudevents.SendOptions{Source: "/billing?region=eu"}, ""},
		"all": {cloudevents.SendOptions{Mode: cloudevents.Structured, Source: "https://example.com", DataSchema: "urn:order",
			Extensions: map[string]string{"region": "eu", "x1": ""}}, ""},
		"mode":            {cloudevents.SendOptions{Mode: 2}, "cloudevents.SendOptions.Mode is unknown mode 2, it must be Binary or Structured"},
		"source":          {cloudevents.SendOptions{Source: "http://[::1"}, `cloudevents.SendOptions.Source is "http://[::1", it must be a URI reference`},
		"source of space": {cloudevents.SendOptions{Source: " "}, `cloudevents.SendOptions.Source is " ", it must be a URI reference`},
		"schema":          {cloudevents.SendOptions{DataSchema: "/order"}, `cloudevents.SendOptions.DataSchema is "/order", it must be an absolute URI`},
		"core attribute": {cloudevents.SendOptions{Extensions: map[string]string{"id": "7"}},
			`cloudevents.SendOptions.Extensions is "id", it must be names of lower-case letters and digits that CloudEvents does not use`},
		"name": {cloudevents.SendOptions{Extensions: map[string]string{"Region": "eu"}},
			`cloudevents.SendOptions.Extensions is "Region", it must be names of lower-case letters and digits that CloudEvents does not use`},
		"value": {cloudevents.SendOptions{Extensions: map[string]string{"region": "\x00"}},
			`cloudevents.SendOptions.Extensions[region] is "\x00", it must be UTF-8 without control characters and noncharacters, and fit into 64 attributes of 32 KiB`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bus.New(&bus.Options{Publish: []bus.Middleware{cloudevents.Send(&tc.options)}})
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var wrong *bus.OptionError
			if !errors.As(err, &wrong) || wrong.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestOptionsAreCopied changes them afterwards.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	o := &cloudevents.SendOptions{Source: "/a", Extensions: map[string]string{"region": "eu"}}
	m := cloudevents.Send(o)
	o.Source, o.Extensions["region"], o.Extensions["other"] = "/b", "us", "x"
	var all []seen
	b, err := bus.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := publish(t, b, orders, order{}, []bus.Middleware{m, watch(&all)}); err != nil {
		t.Fatal(err)
	}
	got := all[0].headers
	if _, other := got["ce-other"]; got["ce-source"] != "/a" || got["ce-region"] != "eu" || other {
		t.Errorf("got %v", got)
	}
}

// TestDefaultSource has buses with a name and without.
func TestDefaultSource(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "billing", "größe/50%"} {
		b, err := bus.New(&bus.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		var all []seen
		if err := publish(t, b, orders, order{}, []bus.Middleware{cloudevents.Send(nil), watch(&all)}); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"": "urn:uuid:" + b.Source().String(), "billing": "/fanfare/billing", "größe/50%": "/fanfare/gr%C3%B6%C3%9Fe%2F50%25"}[name]
		check(t, "source", all[0].headers["ce-source"], want)
	}
}

// TestModesAgree has URIs with characters that URIs do not have: an event is the same one in both modes.
func TestModesAgree(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://example.com/größe?a=b#c": "https://example.com/gr%C3%B6%C3%9Fe?a=b#c",
		"https://example.com/a b|c":       "https://example.com/a%20b%7Cc",
		"https://example.com/%2fa%20b":    "https://example.com/%2fa%20b",
		"urn:example:1":                   "urn:example:1",
	} {
		for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
			b := bustest.New(t, &bus.Options{
				Publish:   []bus.Middleware{cloudevents.Send(&cloudevents.SendOptions{Mode: mode, Source: given, DataSchema: given})},
				Subscribe: []bus.Middleware{cloudevents.Receive(nil)},
			})
			got := bustest.Record(t, b, orders)
			if err := publish(t, b, orders, order{"pencil", 2}, nil); err != nil {
				t.Fatal(err)
			}
			e := got.Wait(1)[0]
			check(t, mode.String()+" source", e.Header("ce-source"), want)
			check(t, mode.String()+" schema", e.Header("ce-dataschema"), want)
		}
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	log := bus.Middleware{Name: "log", Phase: bus.PhaseObserve, Wrap: func(next bus.Handler) bus.Handler { return next }}
	for name, tc := range map[string]struct {
		options bus.Options
		want    string
	}{
		"right": {bus.Options{Publish: []bus.Middleware{log, cloudevents.Send(nil)}, Subscribe: []bus.Middleware{cloudevents.Receive(nil), log}}, ""},
		"send outside": {bus.Options{Publish: []bus.Middleware{cloudevents.Send(nil), log}},
			`bus.Options.Publish: middleware "cloudevents send" stands outside of "log": "cloudevents send" would give the event its last form before "log" is done with it; the right order is log, cloudevents send`},
		"receive inside": {bus.Options{Subscribe: []bus.Middleware{log, cloudevents.Receive(nil)}},
			`bus.Options.Subscribe: middleware "log" stands outside of "cloudevents receive": "log" would see the event as it came, before "cloudevents receive" has made one like any other of it; the right order is cloudevents receive, log`},
	} {
		b, err := bus.New(&tc.options)
		if b != nil {
			defer b.Close()
		}
		if got := ""; err != nil && tc.want != "" {
			check(t, name, err.Error(), tc.want)
		} else if err != nil || tc.want != got {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}
