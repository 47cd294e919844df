package cloudevents_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
)

// FuzzReceive has events from elsewhere: a content type, headers as lines of name=value, and a payload. What comes through must be a valid
// CloudEvent, the same once more, and of a structured one that the SDK reads as well, what the SDK read.
func FuzzReceive(f *testing.F) {
	f.Add("application/json", minimal.String(), "{}")
	f.Add("text/plain; charset=utf-8", minimal.with(headers{"ce-time": "2020-01-01T00:00:00Z", "ce-tenant": "acme", "ce-dataschema": "urn:s"}).String(), "größer")
	f.Add("application/cloudevents+json", "", "{"+minimalJSON+`,"data":{"a":1},"count":5,"last":true,"none":null}`)
	f.Add("application/cloudevents+json; charset=utf-8", "tenant=acme", `{"data_base64":"AP8=","datacontenttype":"application/x",`+minimalJSON+"}")
	f.Add("application/cloudevents+json", "ce-id=7", "{"+minimalJSON+`,"datacontenttype":"text/plain","data":"a\u00e4\/"}`)
	f.Add("application/cloudevents+json", "", "{"+minimalJSON+`,"data_base64":1}`)
	f.Add("application/cloudevents-batch+json", "", "[]")
	f.Fuzz(func(t *testing.T, contentType, lines, payload string) {
		given := headers{}
		for line := range strings.SplitSeq(lines, "\n") {
			if name, value, found := strings.Cut(line, "="); found && name != "" && len(name) < 256 {
				given[name] = value
			}
		}
		if contentType != "" {
			given["content-type"] = contentType
		}
		got, err := receive(t, nil, given, payload)
		if err != nil {
			var wrong *cloudevents.Error
			if !errors.As(err, &wrong) || len(err.Error()) > 2000 {
				t.Errorf("error %v", err)
			}
			return
		}
		if given["ce-specversion"] == "" && got.headers["ce-specversion"] == "" {
			delete(given, "id") // neither is among the headers
			delete(given, "key")
			check(t, "no CloudEvent", got.headers.String()+got.payload, given.String()+payload)
			return
		}
		e, err := cloudevents.FromHeaders(maps.All(got.headers))
		if err != nil || e.Validate() != nil {
			t.Fatalf("it is not valid: %v, %v", err, e.Validate())
		}
		if strings.HasPrefix(strings.ToLower(got.headers["content-type"]), "application/cloudevents") {
			return // an event within an event: only the outer one was asked for
		}
		again, err := receive(t, nil, got.headers, got.payload)
		if err != nil {
			t.Fatal(err)
		}
		check(t, "again", again.headers.String()+again.payload, got.headers.String()+got.payload)
		if strings.HasPrefix(strings.ToLower(contentType), event.ApplicationCloudEventsJSON) {
			compare(t, e, got.payload, payload)
		}
	})
}

// compare checks an event against what the SDK reads in its JSON format, where it does.
func compare(t *testing.T, e event.Event, data, payload string) {
	t.Helper()
	read, ok := sdkReads(payload)
	if !ok || strings.Contains(payload, "+json") { // data of such a type is text for the SDK
		return
	}
	check(t, "ID, source and type", e.ID()+"\n"+e.Source()+"\n"+e.Type(), read.ID()+"\n"+read.Source()+"\n"+read.Type())
	if len(read.Extensions()) != len(e.Extensions()) {
		t.Errorf("extensions %v, want %v", e.Extensions(), read.Extensions())
	}
	check(t, "data", data, string(read.Data()))
}

// sdkReads returns what the SDK reads, if it does: see decode for what it cannot.
func sdkReads(payload string) (e event.Event, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	err := json.Unmarshal([]byte(payload), &e)
	return e, err == nil && e.Validate() == nil
}
