// Package multipart passes the frames of a message through as they are, for what ZeroMQ programs exchange by send_multipart and recv_multipart.
//
//	var Quotes = topic.New[[][]byte]("quotes").WithCodec(multipart.Codec)
package multipart

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
)

// ContentType is what events of several frames are marked with. No standard names it.
const ContentType = "application/vnd.fanfare.multipart"

// ErrNoFrames is returned for a value without any frame: a message has at least one.
var ErrNoFrames = errors.New("multipart: a message has at least one frame, which may be empty")

// Codec is a [codec.Frames] for [][]byte and named types of it; others, and nil pointers, are a [*codec.TypeError]. Each element is a frame of the
// message, behind the topic and the envelope; [ErrNoFrames] says that there is none. A message has at most 1024 frames in all, by the transport's
// limit.
//
// Nothing is copied, in either direction: the frames share memory with the value. What needs one piece of bytes, such as Message.Payload, gets
// the frames one behind the other, and the decoding of one piece gives one frame.
var Codec multipartCodec

type multipartCodec struct{}

var _ codec.Frames = Codec

// AppendFrames appends the frames that v points to.
func (multipartCodec) AppendFrames(dst [][]byte, v any) ([][]byte, error) {
	frames, err := framesAt(v)
	switch {
	case err != nil:
		return dst, err
	case len(*frames) == 0:
		return dst, ErrNoFrames
	}
	return append(dst, *frames...), nil
}

// DecodeFrames makes v point to the frames of src.
func (multipartCodec) DecodeFrames(src [][]byte, v any) error {
	frames, err := framesAt(v)
	if err != nil {
		return err
	}
	*frames = make([][]byte, len(src))
	for i, f := range src {
		(*frames)[i] = f[:len(f):len(f)]
	}
	return nil
}

// Append appends the frames one behind the other.
func (c multipartCodec) Append(dst []byte, v any) ([]byte, error) {
	frames, err := c.AppendFrames(nil, v)
	if err != nil {
		return dst, err
	}
	return append(dst, bytes.Join(frames, nil)...), nil
}

// Decode makes v point to one frame, src.
func (c multipartCodec) Decode(src []byte, v any) error { return c.DecodeFrames([][]byte{src}, v) }

// ContentType returns [ContentType].
func (multipartCodec) ContentType() string { return ContentType }

// framesAt returns what v points to when that is a [][]byte of any name.
func framesAt(v any) (*[][]byte, error) {
	if frames, ok := v.(*[][]byte); ok && frames != nil {
		return frames, nil
	}
	p := reflect.ValueOf(v)
	if want := reflect.TypeFor[*[][]byte](); p.Kind() == reflect.Pointer && !p.IsNil() && p.CanConvert(want) {
		return p.Convert(want).Interface().(*[][]byte), nil
	}
	return nil, &codec.TypeError{Codec: "multipart", Want: "a pointer to a [][]byte that is not nil", Got: reflect.TypeOf(v)}
}
