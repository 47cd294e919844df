package codectest_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/codec"
)

// broken are codecs that break one rule, and perhaps others with it, by the rule and how they do.
var broken = map[string]map[string]func() codec.Codec{
	"Append writes the encoding": {
		"encodes something else": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) { return append(dst, 1, 'x'), nil }}
		},
		"panics": func() codec.Codec { return fake{append: func([]byte, any) ([]byte, error) { panic("oh") }} },
		"fails": func() codec.Codec {
			return fake{append: func(dst []byte, _ any) ([]byte, error) { return dst, errLong }}
		},
	},
	"Append keeps what dst holds": {
		"begins anew": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) { return soundAppend(dst[:0], v) }}
		},
		"drops what is there": func() codec.Codec {
			return fake{append: func(_ []byte, v any) ([]byte, error) { return soundAppend(nil, v) }}
		},
	},
	"Append uses the room of dst": {
		"copies": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) { return soundAppend(slices.Clip(dst), v) }}
		},
	},
	"Append returns dst after an error": {
		"returns half an encoding": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				out, err := soundAppend(dst, v)
				if err != nil {
					return append(out, 0xff), err
				}
				return out, nil
			}}
		},
		"returns nil": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				out, err := soundAppend(dst, v)
				if err != nil {
					return nil, err
				}
				return out, nil
			}}
		},
		"cuts what is long": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				if p, ok := v.(*[]byte); ok && p != nil && len(*p) > 255 {
					return soundAppend(dst, new((*p)[:255]))
				}
				return soundAppend(dst, v)
			}}
		},
	},
	"Append does not change the value": {
		"sorts": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				out, err := soundAppend(dst, v)
				if err == nil {
					own := v.(*[]byte)
					*own = slices.Sorted(slices.Values(*own)) // in a new slice, so that the cases stay as they are for others
				}
				return out, err
			}}
		},
	},
	"Append keeps neither v nor dst": {
		"encodes into one buffer": func() codec.Codec {
			var buf []byte
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				if dst != nil {
					return soundAppend(dst, v)
				}
				var err error
				buf, err = soundAppend(buf[:0], v)
				return buf, err
			}}
		},
		"remembers the encoding": func() codec.Codec {
			known := map[any][]byte{}
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				if known[v] == nil {
					out, err := soundAppend(nil, v)
					if err != nil {
						return dst, err
					}
					known[v] = out
				}
				return append(dst, known[v]...), nil
			}}
		},
	},
	"Decode gives the value back": {
		"loses the last byte": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if p, ok := v.(*[]byte); ok && err == nil && len(*p) > 0 {
					*p = (*p)[:len(*p)-1]
				}
				return err
			}}
		},
		"fails": func() codec.Codec { return fake{decode: func([]byte, any) error { return errLong }} },
	},
	"Decode does not change src": {
		"clears it": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				clear(src)
				return err
			}}
		},
		"clears it after an error": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if err != nil {
					clear(src)
				}
				return err
			}}
		},
	},
	"Decode keeps neither v nor src": {
		"shares memory": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if err == nil {
					*v.(*[]byte) = src[1:]
				}
				return err
			}}
		},
		"takes the value before": func() codec.Codec {
			var before *[]byte
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if err == nil {
					if before != nil {
						*before = nil
					}
					before = v.(*[]byte)
				}
				return err
			}}
		},
	},
	"Decode refuses a proper prefix": {
		"takes what there is": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				if p, ok := v.(*[]byte); ok && p != nil && (len(src) == 0 || len(src)-1 < int(src[0])) {
					return nil
				}
				return soundDecode(src, v)
			}}
		},
		"says another place": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error { return moved(soundDecode(src, v), -1) }}
		},
		"panics": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				if len(src) == 0 || len(src)-1 < int(src[0]) {
					panic("index out of range")
				}
				return soundDecode(src, v)
			}}
		},
	},
	"Decode refuses bytes left over": {
		"ignores them": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				if len(src) > 0 && len(src) > 1+int(src[0]) {
					src = src[:1+int(src[0])]
				}
				return soundDecode(src, v)
			}}
		},
		"says a place outside": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error { return moved(soundDecode(src, v), 100) }}
		},
	},
	"Decode refuses what is malformed": {
		"has no place": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if _, placed := errors.AsType[*codec.FormatError](err); placed {
					return errors.New(err.Error())
				}
				return err
			}}
		},
		"says another place": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error { return moved(soundDecode(src, v), 1) }}
		},
		"says something else": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if place, placed := errors.AsType[*codec.FormatError](err); placed {
					return &codec.FormatError{Offset: place.Offset, Err: errors.New("wrong")}
				}
				return err
			}}
		},
	},
	"Decode survives any bytes": {
		"panics": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				if len(src) > 2 && src[2] == 0xff {
					panic("a byte that cannot be")
				}
				return soundDecode(src, v)
			}}
		},
		"says a place outside": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				if len(src) > 2 && src[2] == 0xff {
					return &codec.FormatError{Offset: -1, Err: errLong}
				}
				return soundDecode(src, v)
			}}
		},
	},
	"a wrong type is a TypeError": {
		"another error": func() codec.Codec {
			return fake{append: func(dst []byte, v any) ([]byte, error) {
				out, err := soundAppend(dst, v)
				if _, wrong := errors.AsType[*codec.TypeError](err); wrong {
					return dst, errors.New("another")
				}
				return out, err
			}}
		},
		"says nothing": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				err := soundDecode(src, v)
				if _, wrong := errors.AsType[*codec.TypeError](err); wrong {
					return &codec.TypeError{}
				}
				return err
			}}
		},
		"nothing is decoded": func() codec.Codec {
			return fake{decode: func(src []byte, v any) error {
				if _, ok := v.(*string); ok {
					return nil
				}
				return soundDecode(src, v)
			}}
		},
	},
	"ContentType is one media type": {
		"none": func() codec.Codec { return fake{contentType: func() string { return "a b" }} },
		"another each time": func() codec.Codec {
			n := 0
			return fake{contentType: func() string { n++; return "application/x-fake; n=" + strings.Repeat("a", n) }}
		},
	},
	"many goroutines may use it": {
		"takes one at a time": func() codec.Codec {
			var inside atomic.Int32
			return fake{decode: func(src []byte, v any) error {
				defer inside.Add(-1)
				if inside.Add(1) > 1 {
					return errors.New("another goroutine is decoding")
				}
				for range 20 {
					runtime.Gosched() // others run, even where there is one core
				}
				return soundDecode(src, v)
			}}
		},
	},
}

// moved returns err with its offset, if it has any, so many bytes away.
func moved(err error, by int64) error {
	if place, placed := errors.AsType[*codec.FormatError](err); placed {
		return &codec.FormatError{Offset: place.Offset + by, Err: place.Err}
	}
	return err
}
