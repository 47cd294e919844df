package codectest

import (
	"errors"
	"fmt"
	"mime"
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
)

func (s subject) wrongTypes() error {
	var src []byte
	if err := s.encodings(func(_ Value, encoded []byte) error { src = encoded; return nil }); err != nil {
		return err
	}
	var found failures
	for name, v := range s.WrongTypes {
		_, appending := s.append(nil, v)
		for method, err := range map[string]error{"Append": appending, "Decode": s.decode(src, v)} {
			wrong, ok := errors.AsType[*codec.TypeError](err)
			switch {
			case !ok:
				found.add("%s: %s of a %T returns %v, want a *codec.TypeError", name, method, v, err)
			case wrong.Codec == "" || s.Name != "" && wrong.Codec != s.Name || wrong.Want == "" || wrong.Got != reflect.TypeOf(v):
				found.add("%s: %s of a %T does not say which codec takes what, and got that: %w", name, method, v, err)
			}
		}
	}
	return found.err()
}

func (s subject) contentType() error {
	first := s.codec.ContentType()
	if _, _, err := mime.ParseMediaType(first); err != nil {
		return fmt.Errorf("%q: %w", first, err)
	}
	// It may not depend on what was encoded and decoded last.
	return s.encodings(func(v Value, encoded []byte) error {
		err := s.decode(encoded, zero(v.Value))
		if got := s.codec.ContentType(); got != first {
			return errors.Join(err, fmt.Errorf("it was %q, and is %q now", first, got))
		}
		return err
	})
}
