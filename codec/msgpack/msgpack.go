// Package msgpack is the codec of MessagePack, by github.com/vmihailenco/msgpack/v5.
//
//	var Orders = topic.New[Order]("orders").WithCodec(msgpack.Codec)
//
// A struct becomes a map from the names of its fields, or of their tags `msgpack:"name"`, to their values.
package msgpack

import (
	"errors"
	"reflect"
	"runtime"
	"strings"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/vmihailenco/msgpack/v5"
)

// Codec encodes any T that the library can, by its rules, as the format of https://github.com/msgpack/msgpack/blob/master/spec.md.
// Integers take the fewest bytes that hold them; a string and a []byte are different types, and neither need be UTF-8; time.Time is
// the timestamp of that page; the keys of a map[string]string, map[string]bool or map[string]any are sorted, and other maps are in no
// order. A value that contains itself must not be encoded: that has no end.
//
// Decode returns a [*codec.FormatError] for what is wrong in src, with the offset of the item in question. It limits what src can
// ask for before the library sees it: arrays and maps are nested at most 128 deep, and every length is one that src really has. A
// map inside an interface must have keys that are strings. Extension types that the program has registered with the library get
// their data through Decoder.ReadFull or an Unmarshaler; the ones below -1 are reserved and refused, and so the library's tag
// option "intern" is of no use here.
var Codec msgpackCodec

type msgpackCodec struct{}

// Append appends the encoding of what v points to. Its errors are the library's, and [*codec.TypeError] for what is not a pointer.
func (msgpackCodec) Append(dst []byte, v any) ([]byte, error) {
	if err := checkPointer(v); err != nil {
		return dst, err
	}
	out := appender{dst}
	enc := msgpack.GetEncoder()
	enc.Reset(&out)
	enc.SetSortMapKeys(true)
	enc.UseCompactInts(true)
	err := enc.Encode(v)
	msgpack.PutEncoder(enc)
	if err != nil {
		return dst, err
	}
	return out.buf, nil
}

// Decode decodes src, one item, into what v points to.
func (msgpackCodec) Decode(src []byte, v any) (err error) {
	if err := checkPointer(v); err != nil {
		return err
	}
	if err := check(src); err != nil {
		return err
	}
	r := reader{src: src}
	defer func() {
		if p := recover(); p != nil {
			err = &codec.FormatError{Offset: int64(r.begin), Err: unfit(p)}
		}
	}()
	dec := msgpack.GetDecoder()
	dec.Reset(&r)
	if err := dec.Decode(v); err != nil {
		// This decoder is not used again: after an error it can go on recording what it reads.
		if r.end == 0 {
			return err // it is about T: nothing was read
		}
		return &codec.FormatError{Offset: int64(r.begin), Err: err}
	}
	if len(src) <= maxPooled {
		msgpack.PutDecoder(dec)
	}
	return nil
}

// maxPooled is the length of the largest encoding whose decoder is used again: it keeps a buffer as long as the longest text.
const maxPooled = 64 << 10

var errKey = errors.New("an array or a map is the key of a map")

// unfit returns the error for p, which the library panicked with, because it stores what it read in any interface without a look
// at whether it fits. Other panics go on: they are not the doing of src.
func unfit(p any) error {
	switch p := p.(type) {
	case runtime.Error:
		if strings.Contains(p.Error(), "hash of unhashable type") {
			return errKey
		}
	case string:
		if strings.HasPrefix(p, "reflect.Set: ") {
			return errors.New(p)
		}
	}
	panic(p)
}

// ContentType returns "application/msgpack", which most programs use. The registered name is application/vnd.msgpack.
func (msgpackCodec) ContentType() string {
	return "application/msgpack"
}

func checkPointer(v any) error {
	if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer || p.IsNil() {
		return &codec.TypeError{Codec: "msgpack", Want: "a pointer that is not nil", Got: reflect.TypeOf(v)}
	}
	return nil
}

// appender is what the library writes to: the end of a slice.
type appender struct {
	buf []byte
}

// Write never fails.
func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

// WriteByte never fails.
func (a *appender) WriteByte(c byte) error {
	a.buf = append(a.buf, c)
	return nil
}
