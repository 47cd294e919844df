package cloudevents_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// minimal is what every CloudEvent has, as headers and in the JSON format.
var (
	minimal     = headers{"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/s", "ce-type": "t"}
	minimalJSON = `"specversion":"1.0","id":"7","source":"/s","type":"t"`
	structured  = headers{"content-type": "application/cloudevents+json"}
)

// TestReceive takes each event in both modes: what comes through is the same.
func TestReceive(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		headers headers
		data    string
		json    string // without the minimal attributes
		want    headers
	}{
		"JSON":           {headers{"content-type": "application/json"}, `{"a": [1]}`, `"datacontenttype":"application/json","data": {"a": [1]} `, nil},
		"JSON null":      {headers{"content-type": "application/json"}, `null`, `"data":null`, nil},
		"no data":        {headers{"content-type": "application/json"}, ``, `"datacontenttype":null`, nil},
		"text":           {headers{"content-type": "text/plain"}, "größer\n", `"datacontenttype":"text/plain","data":"größer\n"`, nil},
		"null text":      {headers{"content-type": "text/plain"}, "", `"datacontenttype":"text/plain","data":null`, nil},
		"bytes":          {headers{"content-type": "application/x"}, "\x00\xff\xff\xfe", `"datacontenttype":"application/x","data_base64":"AP\/\/\/g=="`, nil},
		"JSON in base64": {headers{"content-type": "application/json"}, "{}", `"data_base64":"e30="`, nil},
		"JSON suffix":    {headers{"content-type": "application/geo+json"}, `{"a":1}`, `"datacontenttype":"application/geo+json","data":{"a":1}`, nil},
		"all attributes": {headers{"content-type": "application/json", "ce-subject": "sub\"ject", "ce-time": "2020-01-01T00:00:00.123456789+01:00", "ce-dataschema": "urn:schema"}, `1`,
			`"subject":"sub\"ject","time":"2020-01-01T00:00:00.123456789+01:00","dataschema":"urn:schema","data":1`, nil},
		"extensions": {headers{"content-type": "application/json", "ce-tenant": "acme", "ce-count": "-5", "ce-last": "true", "ce-none": "", "ce-attempt": "4"}, `1`,
			`"tenant":"acme","count":-5,"last":true,"none":"","attempt":4,"absent":null,"data":1`,
			headers{"tenant": "acme", "count": "-5", "last": "true", "none": ""}},
		"distributed tracing": {headers{"content-type": "application/json", "ce-traceparent": "00-1", "ce-tracestate": "a=b", "traceparent": "00-2"}, `1`,
			`"traceparent":"00-1","tracestate":"a=b","data":1`, headers{"traceparent": "00-2", "tracestate": "a=b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := receive(t, nil, minimal.with(tc.headers), tc.data)
			if err != nil {
				t.Fatal(err)
			}
			want := minimal.with(tc.headers).with(tc.want)
			check(t, "binary headers", got.headers.String(), want.String())
			check(t, "binary payload", got.payload, tc.data)
			given := structured
			if h, found := tc.headers["traceparent"]; found {
				given = given.with(headers{"traceparent": h})
			}
			got, err = receive(t, nil, given.with(headers{"content-type": "Application/CloudEvents+JSON ; charset=UTF-8"}), "{"+minimalJSON+","+tc.json+"}")
			if err != nil {
				t.Fatal(err)
			}
			check(t, "structured headers", got.headers.String(), want.String())
			check(t, "structured payload", got.payload, tc.data)
		})
	}
}

func TestReceiveLeavesOtherEvents(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]headers{
		"no headers": nil, "JSON": {"content-type": "application/json"}, "something like it": {"ce-id": "7", "ce-type": "t"}, "empty version": {"ce-specversion": ""},
	} {
		got, err := receive(t, nil, given, "{}")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		check(t, name, got.headers.String()+got.payload, given.String()+"{}")
		_, err = receive(t, &cloudevents.ReceiveOptions{Required: true}, given, "{}")
		var wrong *cloudevents.Error
		if want := `cloudevents: attribute "specversion" is "": the event is no CloudEvent`; !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("%s, required: got %v, want %s", name, err, want)
		}
	}
}

// TestReceiveFromPlainPeers has events without an envelope.
func TestReceiveFromPlainPeers(t *testing.T) {
	t.Parallel()
	plain := &cloudevents.ReceiveOptions{Plain: true}
	got, err := receive(t, plain, nil, "{"+minimalJSON+`,"data":1}`)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "headers", got.headers.String(), minimal.with(headers{"content-type": "application/json"}).String())
	check(t, "ID and payload", got.id+" "+got.payload, "7 1")
	twice := []bus.Middleware{cloudevents.Receive(plain), cloudevents.Receive(plain)} // that of the bus, and that of a subscription
	again, err := receiveThrough(t, twice, nil, "{"+minimalJSON+`,"data":1}`)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "twice", again.headers.String()+again.payload, got.headers.String()+got.payload)
	if _, err := receive(t, plain, nil, "1"); err == nil {
		t.Error("what is no CloudEvent passed")
	}
	if got, err := receive(t, plain, headers{"a": "1"}, "1"); err != nil || got.payload != "1" {
		t.Errorf("of another bus: got %v, %v", got, err)
	}
}

// TestReceiveKeepsTheID has events that have one, and one that is too long to become one.
func TestReceiveKeepsTheID(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"mine": "mine", "": "1fa9b882-1759-5ddf-ab85-36768d05c639"} {
		h := maps.Clone(minimal)
		if given != "" {
			h["id"] = given
		}
		got, err := receive(t, nil, h, "1")
		if err != nil || got.headers["ce-id"] != "7" || got.id != want {
			t.Errorf("got ID %q and attribute %q, %v, want %q", got.id, got.headers["ce-id"], err, want)
		}
	}
}

func TestReceiveErrors(t *testing.T) {
	t.Parallel()
	body := func(members string) string { return "{" + minimalJSON + "," + members + "}" }
	long := strings.Repeat("v", 33<<10)
	many := strings.Builder{}
	for i := range 61 {
		many.WriteString(`"x` + strings.Repeat("x", i) + `":"1",`)
	}
	for name, tc := range map[string]struct {
		headers   headers
		payload   string
		attribute string
		want      string
	}{
		"batch":                {headers{"content-type": "application/cloudevents-batch+json"}, "[]", "content-type", "a payload must be one event, not a batch"},
		"another format":       {headers{"content-type": "application/cloudevents+avro"}, "", "content-type", "of the event formats only JSON is read"},
		"version":              {minimal.with(headers{"ce-specversion": "0.3"}), "", "specversion", `attribute "specversion" is "0.3": it must be 1.0`},
		"no ID":                {headers{"ce-specversion": "1.0", "ce-source": "/s", "ce-type": "t"}, "", "id", `attribute "id" is "": MUST be a non-empty string`},
		"no source":            {minimal.with(headers{"ce-source": ""}), "", "source", "it must not be empty"},
		"source":               {minimal.with(headers{"ce-source": "%"}), "", "source", "invalid URL escape"},
		"no type":              {minimal.with(headers{"ce-type": " "}), "", "type", "MUST be a non-empty string"},
		"time":                 {minimal.with(headers{"ce-time": "1 May"}), "", "time", "not in RFC3339 format"},
		"no time":              {minimal.with(headers{"ce-time": ""}), "", "time", "must not be empty"},
		"empty subject":        {minimal.with(headers{"ce-subject": ""}), "", "subject", "MUST be a non-empty string"},
		"empty schema":         {minimal.with(headers{"ce-dataschema": ""}), "", "dataschema", "must not be empty"},
		"schema":               {minimal.with(headers{"ce-dataschema": "%"}), "", "dataschema", "invalid URL escape"},
		"content type":         {minimal.with(headers{"content-type": "text"}).with(headers{"content-type": "a b"}), "", "datacontenttype", `attribute "datacontenttype" is "a b"`},
		"content type twice":   {minimal.with(headers{"ce-datacontenttype": "text/plain"}), "", "datacontenttype", "no name of an extension"},
		"data as a header":     {minimal.with(headers{"ce-data": "x"}), "", "data", "no name of an extension"},
		"name":                 {minimal.with(headers{"ce-": "x"}), "", "", "cloudevents: it is no name of an extension"},
		"name with dash":       {minimal.with(headers{"ce-a-b": "x"}), "", "a-b", "no name of an extension"},
		"bytes":                {minimal.with(headers{"ce-subject": "\xff"}), "", "subject", "must be UTF-8"},
		"control characters":   {minimal.with(headers{"ce-x": "\x7f"}), "", "x", "without control characters"},
		"noncharacters":        {minimal.with(headers{"ce-x": "\ufdd0"}), "", "x", "and noncharacters"},
		"last noncharacter":    {structured, body(`"x":"` + "\U0010ffff" + `"`), "x", "and noncharacters"},
		"long":                 {minimal.with(headers{"ce-x": long}), "", "x", "names and values may have 32768 bytes in all"},
		"no JSON":              {structured, "{", "", "the event is no JSON object: unexpected end of JSON input"},
		"array":                {structured, "[]", "", "the event is no JSON object"},
		"null":                 {structured, "null", "specversion", "it must be 1.0"},
		"bytes in JSON":        {structured, body(`"data":"` + "\xff" + `"`), "", "the event is not in UTF-8"},
		"something after it":   {structured, body(`"data":1`) + "{}", "", "the event is no JSON object"},
		"number for ID":        {structured, `{"specversion":"1.0","id":7,"source":"/s","type":"t"}`, "id", `attribute "id" is "7": it is of a type that it cannot have`},
		"object":               {structured, body(`"x":{}`), "x", "it is of a type that it cannot have"},
		"fraction":             {structured, body(`"x":1.5`), "x", "a number must be an integer of 32 bits"},
		"large number":         {structured, body(`"x":2147483648`), "x", "a number must be an integer of 32 bits"},
		"upper case":           {structured, body(`"X":""`), "X", "no name of an extension"},
		"no name":              {structured, body(`"":1`), "", "no name of an extension"},
		"JSON schema":          {structured, body(`"dataschema":"%"`), "dataschema", "invalid URL escape"},
		"empty content type":   {structured, body(`"datacontenttype":""`), "datacontenttype", "must not be empty"},
		"two kinds of data":    {structured, body(`"data":1,"data_base64":""`), "data_base64", "there is data, too"},
		"no base64":            {structured, body(`"data_base64":"?"`), "data_base64", "illegal base64 data"},
		"base64 of a digit":    {structured, body(`"data_base64":1`), "data_base64", "cannot unmarshal number"},
		"text that is none":    {structured, body(`"datacontenttype":"text/plain","data":{}`), "data", "data that is text/plain must be a string"},
		"long in JSON":         {structured, body(`"x":"` + long + `"`), "x", "names and values may have 32768 bytes in all"},
		"many in JSON":         {structured, body(many.String() + `"data":1`), strings.Repeat("x", 61), "an event may have 64 attributes"},
		"other headers beside": {structured.with(headers{"ce-x": "1"}), body(`"data":1`), "x", "it is a header beside a structured event that has no such attribute"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := receive(t, nil, tc.headers, tc.payload)
			var wrong *cloudevents.Error
			if !errors.As(err, &wrong) || wrong.Attribute != tc.attribute || !strings.Contains(err.Error(), tc.want) || len(err.Error()) > 400 {
				t.Errorf("got  %v, %v\nwant %s", got, err, tc.want)
			}
		})
	}
}

// TestReceiveTooMany has more attributes than an event may have, as headers, and an ID that is too long for one of a plain peer.
func TestReceiveTooMany(t *testing.T) {
	t.Parallel()
	many := maps.Clone(minimal)
	for i := range 61 {
		many["ce-x"+strings.Repeat("x", i)] = "1"
	}
	var wrong *cloudevents.Error
	if _, err := receive(t, nil, many, ""); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "an event may have 64 attributes") {
		t.Errorf("got %v", err)
	}
	id := strings.Repeat("i", 256)
	_, err := receive(t, &cloudevents.ReceiveOptions{Plain: true}, nil, `{"specversion":"1.0","id":"`+id+`","source":"/s","type":"t"}`)
	if !errors.As(err, &wrong) || wrong.Attribute != "id" || wrong.Value != id || !strings.Contains(err.Error(), "the ID has 256 bytes, it must be 1 to 255") {
		t.Errorf("got %v", err)
	}
}

// TestReceiveAgain checks that nothing changes the second time.
func TestReceiveAgain(t *testing.T) {
	t.Parallel()
	first, err := receive(t, nil, structured, "{"+minimalJSON+`,"tenant":"acme","data":1}`)
	if err != nil {
		t.Fatal(err)
	}
	second, err := receive(t, nil, first.headers, first.payload)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "again", second.headers.String()+second.payload, first.headers.String()+first.payload)
}

// TestInvalidEventsFail checks what becomes of them: they are counted, and a dead letter middleware outside of Receive gets them.
func TestInvalidEventsFail(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	var dead []error
	deadLetter := bus.Middleware{Name: "dead letter", Phase: bus.PhaseDeadLetter, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			err := next(ctx, m)
			dead = append(dead, err)
			return err
		}
	}}
	inside := cloudevents.Receive(nil)
	inside.Phase = bus.PhaseOutcome
	handler := func(_ context.Context, e topic.Event[order]) error {
		t.Errorf("the handler got %v", e)
		return nil
	}
	var subs []*subscriber.Subscription
	for _, chain := range [][]bus.Middleware{{cloudevents.Receive(nil)}, {deadLetter, inside}} {
		sub, err := subscriber.New(b, orders, handler, &subscriber.Options{Middleware: chain})
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	half := bus.Wrap("half", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			return errors.Join(m.SetHeader("ce-specversion", "1.0"), next(ctx, m))
		}
	})
	if err := publish(t, b, orders, order{}, []bus.Middleware{half}); err != nil {
		t.Fatal(err)
	}
	if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
		t.Fatal(err)
	}
	for i, sub := range subs {
		if s := sub.Stats(); s.Failed != 1 || s.Succeeded != 0 {
			t.Errorf("subscription %d: stats %+v", i, s)
		}
	}
	var wrong *cloudevents.Error
	if len(dead) != 1 || !errors.As(dead[0], &wrong) || wrong.Attribute != "id" {
		t.Errorf("dead letters %v", dead)
	}
}

// TestLongErrors has values that the texts of errors repeat: what is logged of an event is bounded.
func TestLongErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ö", 10_000)
	for name, tc := range map[string]struct {
		headers headers
		payload string
	}{
		"time":         {minimal.with(headers{"ce-time": long}), ""},
		"schema":       {minimal.with(headers{"ce-dataschema": "http://[" + long}), ""},
		"source":       {minimal.with(headers{"ce-source": "http://[" + long}), ""},
		"content type": {structured, "{" + minimalJSON + `,"datacontenttype":"text/` + strings.Repeat("a", 10_000) + `","data":1}`},
	} {
		_, err := receive(t, nil, tc.headers, tc.payload)
		var wrong *cloudevents.Error
		if !errors.As(err, &wrong) || len(wrong.Err.Error()) > 256 || len(wrong.Value) > 256 {
			t.Errorf("%s: an error of %d bytes: %.400v", name, len(err.Error()), err)
		}
	}
}

func TestFromHeaders(t *testing.T) {
	t.Parallel()
	given := minimal.with(headers{"content-type": "text/plain", "ce-tenant": "acme", "ce-time": "2020-01-01T00:00:00.123456789Z", "other": "1"})
	e, err := cloudevents.FromHeaders(maps.All(given))
	if err != nil || e.Validate() != nil || e.ID() != "7" || e.Source() != "/s" || e.Type() != "t" || e.DataContentType() != "text/plain" ||
		e.Extensions()["tenant"] != "acme" || e.Time().Nanosecond() != 123456789 {
		t.Errorf("got %v, %v", e, err)
	}
	for _, bad := range []headers{nil, {"content-type": "text/plain"}, minimal.with(headers{"ce-type": ""})} {
		var wrong *cloudevents.Error
		if e, err := cloudevents.FromHeaders(maps.All(bad)); !errors.As(err, &wrong) {
			t.Errorf("%v: got %v, %v", bad, e, err)
		}
	}
}
