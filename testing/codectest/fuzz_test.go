package codectest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

func FuzzSound(f *testing.F) {
	codectest.Fuzz(f, fake{}, []any{new([]byte)}, [][]byte{nil, []byte("\x04text"), []byte("\x04tex"), []byte("\x01text")}, &codectest.FuzzOptions{Placed: true})
}

// TestCheckDecodeCanFail checks that each promise about bytes from anywhere is held against the codec.
func TestCheckDecodeCanFail(t *testing.T) {
	t.Parallel()
	fails := func(err error) func([]byte, any) error { return func([]byte, any) error { return err } }
	refuses := func(dst []byte, _ any) ([]byte, error) { return dst, errLong }
	for name, tc := range map[string]struct {
		codec   codec.Codec
		options *codectest.FuzzOptions
		want    string // "": it is kept
	}{
		"sound":            {fake{}, nil, ""},
		"panics":           {fake{decode: func([]byte, any) error { panic("oh") }}, nil, "Decode panicked: oh"},
		"changes src":      {fake{decode: func(src []byte, v any) error { clear(src); return nil }}, nil, "src has become 0000000000"},
		"place outside":    {fake{decode: fails(&codec.FormatError{Offset: 6, Err: errLong})}, nil, "is 5 bytes long, and the error is: at byte 6"},
		"place before":     {fake{decode: fails(&codec.FormatError{Offset: -1, Err: errLong})}, nil, "is 5 bytes long, and the error is: at byte -1"},
		"place at the end": {fake{decode: fails(&codec.FormatError{Offset: 5, Err: errLong})}, &codectest.FuzzOptions{Placed: true}, ""},
		"no place":         {fake{decode: fails(errLong)}, nil, ""},
		"not placed":       {fake{decode: fails(errLong)}, &codectest.FuzzOptions{Placed: true}, "want an error with an offset, got more than 255 bytes"},
		"does not encode":  {fake{append: refuses}, nil, "which does not encode: more than 255 bytes"},
		"may refuse": {fake{append: refuses}, &codectest.FuzzOptions{
			MayRefuse: func(err error) bool { return errors.Is(err, errLong) },
		}, ""},
		"refuses otherwise": {fake{append: refuses}, &codectest.FuzzOptions{MayRefuse: func(error) bool { return false }}, "which does not encode"},
		"does not decode": {fake{append: func(dst []byte, _ any) ([]byte, error) { return append(dst, 1), nil }}, nil,
			"it became 01, which does not decode"},
		"becomes longer": {fake{append: func(dst []byte, v any) ([]byte, error) {
			return soundAppend(dst, new(append(*v.(*[]byte), 'x')))
		}}, nil, "it became 057465787478, and then 06746578747878"},
		"does not equal": {fake{}, &codectest.FuzzOptions{Equal: func(any, any) bool { return false }}, "which became 0474657874, and then"},
	} {
		err := codectest.CheckDecode(tc.codec, []byte("\x04text"), new([]byte), tc.options)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

// TestAllocates checks that what Decode allocates is counted. It is no parallel test, because all that the process allocates counts.
func TestAllocates(t *testing.T) {
	greedy := fake{decode: func(src []byte, v any) error {
		*v.(*[]byte) = make([]byte, 1<<20)
		return soundDecode(src, v)
	}}
	got, err := codectest.Allocates(greedy, []byte("\x04text"), new([]byte))
	if got < 1<<20 || err != nil {
		t.Errorf("%d bytes, %v", got, err)
	}
	if got, err := codectest.Allocates(fake{}, nil, new([]byte)); got > 1<<16 || err == nil {
		t.Errorf("for nothing %d bytes, %v", got, err)
	}
}

func BenchmarkRaw(b *testing.B) {
	codectest.Benchmark(b, codec.Raw, new([]byte("payload")))
}
