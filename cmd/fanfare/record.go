package main

import (
	"encoding/json"
	"io"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

// event is what arrives: a payload that nothing here decodes.
type event = topic.Event[[]byte]

// record is an event as "fanfare sub" prints it. What a plain peer does not send is absent, and so is what an event does not have.
// Bytes of a topic or header that are not UTF-8 become U+FFFD.
type record struct {
	Topic   string            `json:"topic"`
	ID      string            `json:"id,omitempty"`
	Source  uuid.UUID         `json:"source,omitzero"`
	Seq     uint64            `json:"seq,omitempty"`
	Time    time.Time         `json:"time,omitzero"`
	Key     string            `json:"key,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`

	// One of the two is there: the first if the payload is valid UTF-8.
	Payload       *string `json:"payload,omitempty"`
	PayloadBase64 []byte  `json:"payload_base64,omitempty"`
}

// newRecord returns the record of e.
func newRecord(e event) record {
	r := record{
		Topic:   e.Topic(),
		ID:      e.ID(),
		Source:  e.Source(),
		Seq:     e.Seq(),
		Time:    e.Time().UTC(),
		Key:     e.Key(),
		Headers: maps.Collect(e.Headers()),
	}
	if utf8.Valid(e.Value) {
		text := string(e.Value)
		r.Payload = &text
	} else {
		r.PayloadBase64 = e.Value
	}
	return r
}

// A format writes one event and the newline after it.
type format func(e event) error

// asJSON returns the format with a record on each line.
func asJSON(w io.Writer) format {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return func(e event) error { return encoder.Encode(newRecord(e)) }
}

// asPayload returns the format with the bytes of the payload alone.
func asPayload(w io.Writer) format {
	return func(e event) error {
		if _, err := w.Write(e.Value); err != nil {
			return err
		}
		_, err := w.Write([]byte{'\n'})
		return err
	}
}
