package cloudevents

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/fanfare-go/fanfare/bus"
)

// isStructured reports whether a content type says that the payload is an event in the JSON format. It returns an [*Error] for the formats
// that are not read here, and for a batch of events.
func isStructured(value string) (bool, error) {
	media, _, _ := strings.Cut(value, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); {
	case media == event.ApplicationCloudEventsJSON:
		return true, nil
	case strings.HasPrefix(media, "application/cloudevents-batch"):
		return false, wrongly(contentType, value, "a payload must be one event, not a batch")
	case strings.HasPrefix(media, "application/cloudevents"):
		return false, wrongly(contentType, value, "of the event formats only JSON is read")
	}
	return false, nil
}

// encode returns m in the JSON format.
func encode(m *bus.Message, as attributes, dataContentType string) ([]byte, error) {
	frames, err := m.Frames()
	if err != nil {
		return nil, err
	}
	if len(frames) > 1 { // which nobody could take apart again
		return nil, wrongly("data", "", "a payload of several frames cannot be in an event in the JSON format")
	}
	payload, err := m.Payload()
	if err != nil {
		return nil, err
	}
	asText := utf8.Valid(payload) && (isPlain(dataContentType) || isPlainJSON(dataContentType) && json.Valid(payload))
	if dataContentType == "" { // which would mean JSON, and a 1 is not always that
		dataContentType = "application/octet-stream"
	}
	c, err := as.check(dataContentType)
	if err != nil {
		return nil, err
	}
	e := event.Event{Context: c}
	if len(payload) > 0 {
		e.DataEncoded, e.DataBase64 = payload, !asText
	}
	var out bytes.Buffer
	out.Grow(len(payload) + 512)
	if err := event.WriteJson(&e, &out); err != nil {
		return nil, wrong("", "", err)
	}
	return out.Bytes(), nil
}

// decoded is an event that was in the JSON format.
type decoded struct {
	attributes      attributes
	dataContentType string
	data            []byte
}

// decode reads an event in the JSON format. The error is an [*Error].
//
// The SDK could read it as well, but not from strangers: version 2.16.2 panics at a data_base64 that is a number, refuses an escaped slash in it
// at times, leaves out what comes after a member without a name, and forgets a dataschema that it cannot parse.
func decode(payload []byte) (*decoded, error) {
	if !utf8.Valid(payload) {
		return nil, wrongly("", "", "the event is not in UTF-8")
	}
	if crowded(payload) {
		return nil, wrong("", "", fmt.Errorf("an event may have %d attributes", maxAttributes))
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, wrong("", "", fmt.Errorf("the event is no JSON object: %w", err))
	}
	maps.DeleteFunc(members, func(name string, value json.RawMessage) bool { return name != "data" && string(value) == "null" }) // absent
	d := &decoded{dataContentType: event.ApplicationJSON}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name == "data" || name == "data_base64" {
			continue
		}
		value, err := text(name, members[name])
		switch {
		case err != nil:
			return nil, wrong(name, string(members[name]), err)
		case name == "datacontenttype":
			d.dataContentType = value
		default:
			d.attributes = append(d.attributes, attribute{name, value})
		}
	}
	if d.dataContentType == "" {
		return nil, wrong("datacontenttype", "", errEmpty)
	}
	if _, err := d.attributes.check(d.dataContentType); err != nil {
		return nil, err
	}
	return d, d.decodeData(members)
}

// maxMembers is how many members an event in the JSON format may have: its attributes, the data, and some that are null.
const maxMembers = 2 * maxAttributes

// crowded reports whether a JSON object has more members. To decode them takes forty times the memory of the payload.
func crowded(object []byte) bool {
	members, depth, quoted := 1, 0, false
	for i := 0; i < len(object) && members <= maxMembers; i++ {
		switch c := object[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 1:
			members++
		}
	}
	return members > maxMembers
}

// text returns the value of the named attribute as text.
func text(name string, value json.RawMessage) (string, error) {
	switch {
	case value[0] == '"':
		return unquote(value)
	case value[0] == '{' || value[0] == '[' || isCore(name):
		return "", errors.New("it is of a type that it cannot have")
	case value[0] == 't' || value[0] == 'f':
		return string(value), nil
	}
	n, err := strconv.ParseInt(string(value), 10, 32)
	if err != nil {
		return "", errors.New("a number must be an integer of 32 bits")
	}
	return strconv.FormatInt(n, 10), nil
}

// unquote returns the JSON string that value is. Most have nothing escaped, which saves half of the time.
func unquote(value json.RawMessage) (s string, err error) {
	if value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), nil
	}
	err = json.Unmarshal(value, &s) // of null makes no text
	return s, err
}

// decodeData sets the data from members.
func (d *decoded) decodeData(members map[string]json.RawMessage) (err error) {
	value, plain := members["data"]
	encoded, binary := members["data_base64"]
	switch {
	case plain && binary:
		return wrongly("data_base64", string(encoded), "there is data, too")
	case binary:
		var s string
		if s, err = unquote(encoded); err == nil {
			d.data, err = base64.StdEncoding.DecodeString(s)
		}
		if err != nil {
			return wrong("data_base64", string(encoded), err)
		}
	case !plain:
	case isJSON(d.dataContentType):
		d.data = value
	default:
		s, err := unquote(value)
		if err != nil {
			return wrong("data", string(value), fmt.Errorf("data that is %s must be a string: %w", d.dataContentType, err))
		}
		d.data = []byte(s)
	}
	return nil
}

// isJSON reports whether data of a content type is a JSON value in the JSON format.
func isJSON(dataContentType string) bool {
	media, _, err := mime.ParseMediaType(dataContentType)
	return err == nil && (isPlainJSON(dataContentType) || strings.HasSuffix(media, "+json"))
}

// isPlainJSON is isJSON for the types that all readers take for JSON. The SDK's does not for those with the suffix +json: data in base64 is
// understood by all.
func isPlainJSON(dataContentType string) bool {
	media, _, err := mime.ParseMediaType(dataContentType)
	return err == nil && (media == event.ApplicationJSON || media == event.TextJSON)
}

// isPlain reports whether data of a content type is text in UTF-8.
func isPlain(dataContentType string) bool {
	media, parameters, err := mime.ParseMediaType(dataContentType)
	if err != nil || !strings.HasPrefix(media, "text/") || isJSON(dataContentType) {
		return false
	}
	charset := strings.ToLower(parameters["charset"])
	return charset == "" || charset == "utf-8" || charset == "us-ascii"
}
