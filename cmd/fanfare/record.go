package main

import (
	"encoding/json"
	"io"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

// event is what arrives: a payload that nothing here decodes.
type event = topic.Event[[]byte]

// eventRecord is an event as "fanfare sub" prints it.
type eventRecord struct {
	Topic string `json:"topic"`
	record
}

// taskRecord is a task as "fanfare pull" prints it. Attempt is there from 2 on.
type taskRecord struct {
	Task    string `json:"task,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	record
}

// record is what events and tasks have in common. What a plain peer does not send is absent, and so is what there is not. Bytes of a
// topic or header that are not UTF-8 become U+FFFD.
type record struct {
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

// recordOf returns the record of an event.
func recordOf(e event) eventRecord {
	r := eventRecord{Topic: e.Topic(), record: record{
		ID:      e.ID(),
		Source:  e.Source(),
		Seq:     e.Seq(),
		Time:    e.Time().UTC(),
		Key:     e.Key(),
		Headers: maps.Collect(e.Headers()),
	}}
	r.setPayload(e.Value)
	return r
}

// recordOfTask returns the record of a task. One from a plain peer has no name.
func recordOfTask(d pipeline.Delivery, payload []byte) taskRecord {
	r := taskRecord{record: record{
		ID:      d.ID(),
		Source:  d.Source(),
		Seq:     d.Seq(),
		Time:    d.Time().UTC(),
		Headers: maps.Collect(d.Headers()),
	}}
	if d.Seq() > 0 {
		r.Task = d.Task()
	}
	if d.Attempt() > 1 {
		r.Attempt = d.Attempt()
		delete(r.Headers, "attempt") // which is how it travels
	}
	r.setPayload(payload)
	return r
}

// setPayload keeps text as text.
func (r *record) setPayload(payload []byte) {
	if utf8.Valid(payload) {
		text := string(payload)
		r.Payload = &text
	} else {
		r.PayloadBase64 = payload
	}
}

// A format writes one event and the newline after it.
type format func(e event) error

// asJSON returns the format with a record on each line.
func asJSON(w io.Writer) format {
	encoder := newEncoder(w)
	return func(e event) error { return encoder.Encode(recordOf(e)) }
}

// newEncoder returns an encoder that writes an object on each line, in one write, and leaves the text in it as it is.
func newEncoder(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder
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
