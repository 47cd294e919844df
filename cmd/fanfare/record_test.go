package main

import (
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	full := topic.Metadata{
		Topic:   "orders.created",
		ID:      "order-7",
		Source:  uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
		Seq:     7,
		Time:    time.Unix(1, 5e6),
		Key:     "ada",
		Headers: map[string]string{"region": "eu"},
	}
	for name, tc := range map[string]struct {
		event     event
		json, raw string
	}{
		"full": {
			topic.NewEvent([]byte(`<"ä">`), full),
			`{"topic":"orders.created","id":"order-7","source":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","seq":7,` +
				`"time":"1970-01-01T00:00:01.005Z","key":"ada","headers":{"region":"eu"},"payload":"<\"ä\">"}`,
			`<"ä">`,
		},
		"plain":  {topic.NewEvent([]byte("hello"), topic.Metadata{Topic: "a"}), `{"topic":"a","payload":"hello"}`, "hello"},
		"empty":  {topic.NewEvent([]byte{}, topic.Metadata{Topic: "a"}), `{"topic":"a","payload":""}`, ""},
		"binary": {topic.NewEvent([]byte{0xff, 0x00}, topic.Metadata{Topic: "a"}), `{"topic":"a","payload_base64":"/wA="}`, "\xff\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var inJSON, raw strings.Builder
			if err := asJSON(&inJSON)(tc.event); err != nil {
				t.Fatal(err)
			}
			if err := asPayload(&raw)(tc.event); err != nil {
				t.Fatal(err)
			}
			if inJSON.String() != tc.json+"\n" {
				t.Errorf("JSON is\n%swant\n%s", inJSON.String(), tc.json)
			}
			if raw.String() != tc.raw+"\n" {
				t.Errorf("raw is %q, want %q and a newline", raw.String(), tc.raw)
			}
		})
	}
}
