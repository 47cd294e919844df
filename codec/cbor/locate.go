package cbor

import (
	"errors"
	"io"
	"sort"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fxamacker/cbor/v2"
)

// locate returns the error for src, which mode refused with err, with the offset where there is one.
//
// The library does not tell where src stops being well-formed, so this asks it for shorter and shorter parts: one that ends before that
// byte is only cut short, one with it is as wrong as src. A walk takes a part of the time of decoding, and there are at most 27 of
// 64 MiB.
func locate(src []byte, mode cbor.DecMode, err error) error {
	if mode.Wellformed(src) == nil {
		return err // src is fine, but not for T
	}
	n := sort.Search(len(src), func(n int) bool {
		err := mode.Wellformed(src[:n+1])
		return err != nil && !errors.Is(err, io.ErrUnexpectedEOF)
	})
	if n == len(src) {
		err = io.ErrUnexpectedEOF // the library says io.EOF for nothing
	}
	return &codec.FormatError{Offset: int64(n), Err: err}
}
