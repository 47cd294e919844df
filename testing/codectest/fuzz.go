package codectest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
)

// FuzzOptions say what a codec promises about bytes from anywhere.
type FuzzOptions struct {
	// Placed says that every error of Decode is a *codec.FormatError. By default it may have no place.
	Placed bool
	// MayRefuse reports whether an error is one that Append may return for a value that Decode made. The default is that there is none.
	MayRefuse func(error) bool
	// Equal compares a value with what became of it, encoded and decoded: two pointers to the same T. By default they must have the same
	// encoding, because values that hold a NaN do not equal themselves.
	Equal func(got, want any) bool
}

// Fuzz is the body of a fuzz target. Each input is decoded by c into the T of every pointer in into, and checked by [CheckDecode].
func Fuzz(f *testing.F, c codec.Codec, into []any, seeds [][]byte, options *FuzzOptions) {
	f.Helper()
	for _, src := range seeds {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, v := range into {
			if err := CheckDecode(c, src, v, options); err != nil {
				t.Error(err)
			}
		}
	})
}

// CheckDecode checks what Decode makes of any bytes, in a new T where into is a *T: no panic, src as it was, an error whose offset is inside of src,
// or else a value that encodes, to something that decodes to the same value. Nil options are the defaults.
func CheckDecode(c codec.Codec, src []byte, into any, options *FuzzOptions) error {
	var o FuzzOptions
	if options != nil {
		o = *options
	}
	if err := checkDecode(subject{codec: c}, src, into, o); err != nil {
		return fmt.Errorf("%x into a %v: %w", src, reflect.TypeOf(into).Elem(), err)
	}
	return nil
}

func checkDecode(s subject, src []byte, into any, o FuzzOptions) error {
	before, value := bytes.Clone(src), zero(into)
	err := s.decode(src, value)
	if !bytes.Equal(src, before) {
		return fmt.Errorf("src has become %x", src)
	}
	if err != nil {
		if _, placed := errors.AsType[*codec.FormatError](err); o.Placed && !placed {
			return fmt.Errorf("want an error with an offset, got %w", err)
		}
		return inside(err, src)
	}
	encoded, err := s.append(nil, value)
	switch {
	case err == nil:
	case o.MayRefuse != nil && refuses(err) && o.MayRefuse(err):
		return nil
	default:
		return fmt.Errorf("it decodes to %s, which does not encode: %w", shown(value), err)
	}
	same := zero(into)
	if err := s.decode(bytes.Clone(encoded), same); err != nil {
		return fmt.Errorf("it became %x, which does not decode: %w", encoded, err)
	}
	if o.Equal != nil {
		if !o.Equal(same, value) {
			return fmt.Errorf("it decodes to %s, which became %x, and then %s", shown(value), encoded, shown(same))
		}
		return nil
	}
	if again, err := s.append(nil, same); err != nil || !bytes.Equal(again, encoded) {
		return errors.Join(err, fmt.Errorf("it became %x, and then %x", encoded, again))
	}
	return nil
}
