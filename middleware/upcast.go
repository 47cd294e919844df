package middleware

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
)

// UpcastOptions are what an [Upcast] does.
type UpcastOptions struct {
	// Current is the version that this program knows, 1 to 2,147,483,647. There is no default.
	Current int
	// Steps turn a version into the next one, by the version that they take. There is one for each version from the lowest that is
	// still understood to Current-1. They may be called concurrently, must not change what they get, and give away what they return. A
	// payload of several frames comes in one piece, and stays one: Upcast is not for codecs that make frames.
	Steps map[int]func(payload []byte) ([]byte, error)
	// Header is the name of the header that has the version, a decimal number. Default: "schema-version".
	Header string
}

// UpcastError says why an event could not be brought to the current version. It has not been handled, and is unchanged.
type UpcastError struct {
	Topic   string
	Version string // of the event, as its header has it
	Current int    // the version that this program knows
	Err     error  // what is wrong with the version, or the error of the step that failed
}

// Error names the topic, both versions, and what is wrong.
func (e *UpcastError) Error() string {
	return fmt.Sprintf("middleware: event on %q of version %q cannot become version %d: %v", e.Topic, e.Version, e.Current, e.Err)
}

// Unwrap returns what is wrong.
func (e *UpcastError) Unwrap() error { return e.Err }

// ErrNewer is matched by an [*UpcastError] for an event of a version that is newer than this program.
var ErrNewer = errors.New("that is newer than this program")

// Upcast brings the payloads of old events to the form that the handler's Go type has now, step by step, so that publishers and
// subscribers need not change at the same time. Subscribers are updated first: they refuse events that are newer than they know.
//
// On the publish side it adds the current version to each event that has none, and leaves what publisher.Forward passes on as it is: dead
// letters are those of events that could not become the current version as well. On the subscribe side an event that has none is of version 1,
// unless it was published on the same bus as a value of the handler's Go type: that has the present form. An event that cannot become
// the current version fails with an [*UpcastError], and is not tried again. One that is current already is not touched: its value is
// neither encoded nor decoded. It has no state.
func Upcast(o *UpcastOptions) bus.Middleware {
	var options UpcastOptions
	if o != nil {
		options = *o
	}
	if options.Header == "" {
		options.Header = "schema-version"
	}
	made := bus.Middleware{Name: "upcast", Phase: bus.PhaseUpcast}
	if made.Err = options.check(); made.Err != nil {
		return made
	}
	u := &upcaster{options.Header, options.Current, strconv.Itoa(options.Current), maps.Clone(options.Steps)}
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := u.upcast(m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}
	return made
}

func (o *UpcastOptions) check() error {
	switch {
	case o.Current < 1 || o.Current > math.MaxInt32:
		return &bus.OptionError{Field: "middleware.UpcastOptions.Current", Value: o.Current, Limit: "1 to 2147483647"}
	case len(o.Header) > 255 || strings.ToLower(o.Header) != o.Header || o.Header == "id" || o.Header == "key":
		return &bus.OptionError{Field: "middleware.UpcastOptions.Header", Value: o.Header, Limit: `the name of a header: 1 to 255 bytes in lower case, not "id" or "key"`}
	}
	versions := slices.Sorted(maps.Keys(o.Steps))
	for i, version := range versions {
		field := fmt.Sprintf("middleware.UpcastOptions.Steps[%d]", version)
		switch {
		case version < 1 || version >= o.Current:
			return &bus.OptionError{Field: field, Value: version, Limit: fmt.Sprintf("a step from a version of 1 to %d", o.Current-1)}
		case o.Steps[version] == nil:
			return &bus.OptionError{Field: field, Value: nil, Limit: "a function"}
		case version+1 != append(versions, o.Current)[i+1]:
			return &bus.OptionError{Field: field, Value: version, Limit: fmt.Sprintf("followed by a step from version %d", version+1)}
		}
	}
	return nil
}

// upcaster is what the options of an [Upcast] come to.
type upcaster struct {
	header  string
	current int
	stamp   string // the current version
	steps   map[int]func([]byte) ([]byte, error)
}

// upcast brings a message to the current version. If that fails it is unchanged.
func (u *upcaster) upcast(m *bus.Message) error {
	text := m.Header(u.header)
	if text == u.stamp {
		return nil
	}
	sends := m.Party().Role.Sends()
	if sends && publisher.Forwarded(m) { // such as a dead letter, which nobody here may understand
		return nil
	}
	if text == "" && (sends || !m.Stale()) { // the value has the present form
		if sends {
			return m.SetHeader(u.header, u.stamp)
		}
		return nil
	}
	version, err := 1, error(nil)
	if text != "" {
		version, err = u.parse(text)
	}
	var payload []byte
	if err == nil && version != u.current {
		payload, err = u.apply(version, m)
	}
	if err == nil {
		err = m.SetHeader(u.header, u.stamp)
	}
	if err != nil {
		return &UpcastError{Topic: m.Topic(), Version: text, Current: u.current, Err: err}
	}
	if version != u.current {
		m.SetPayload(payload)
	}
	return nil
}

// parse returns the version that a header has.
func (u *upcaster) parse(text string) (int, error) {
	version, err := strconv.ParseUint(text, 10, 64)
	switch {
	case version > uint64(u.current): // or more than 64 bits
		return 0, ErrNewer
	case err != nil || version == 0:
		return 0, errors.New("that is no version")
	}
	return int(version), nil
}

// apply returns the payload after all steps from version on.
func (u *upcaster) apply(version int, m *bus.Message) ([]byte, error) {
	if u.steps[version] == nil {
		return nil, errors.New("that is older than the oldest version that there is a step for")
	}
	payload, err := m.Payload()
	for ; err == nil && version < u.current; version++ {
		if payload, err = u.steps[version](payload); err != nil {
			err = fmt.Errorf("step from version %d: %w", version, err)
		}
	}
	return payload, err
}
