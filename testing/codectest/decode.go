package codectest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/codec"
)

// encodings calls check for each value with an encoding of it, which check may change.
func (s subject) encodings(check func(v Value, encoded []byte) error) error {
	var found failures
	for name, v := range s.Values {
		encoded, err := s.append(nil, v.Value)
		if err == nil {
			err = check(v, bytes.Clone(encoded))
		}
		if err != nil {
			found.add("%s: %w", name, err)
		}
	}
	return found.err()
}

func (s subject) decodeRestores() error {
	return s.encodings(func(v Value, encoded []byte) error {
		got := zero(v.Value)
		if err := s.decode(encoded, got); err != nil {
			return fmt.Errorf("%x does not decode: %w", encoded, err)
		}
		if err := s.is(got, v); err != nil {
			return err
		}
		again, err := s.append(nil, got)
		if err != nil {
			return fmt.Errorf("decoded, it does not encode again: %w", err)
		}
		return s.means(again, v)
	})
}

func (s subject) decodeOnlyReads() error {
	found := failures{s.encodings(func(v Value, encoded []byte) error {
		return errors.Join(s.unchanged(encoded, v.Value), s.unchanged(encoded[:len(encoded)/2], v.Value))
	})}
	for name, m := range s.Malformed {
		if err := s.unchanged(bytes.Clone(m.Src), m.Into); err != nil {
			found.add("%s: %w", name, err)
		}
	}
	return found.err()
}

// unchanged checks that src is the same after it is decoded, whatever comes of that.
func (s subject) unchanged(src []byte, like any) error {
	before := bytes.Clone(src)
	err := s.decode(src, zero(like))
	if !bytes.Equal(src, before) {
		return fmt.Errorf("src was %x, and is %x; the error is %v", before, src, err)
	}
	return nil
}

func (s subject) decodeForgets() error {
	return s.encodings(func(v Value, encoded []byte) error {
		got, other := zero(v.Value), zero(v.Value)
		if err := errors.Join(s.decode(encoded, got), s.decode(bytes.Clone(encoded), other)); err != nil {
			return err
		}
		if err := errors.Join(s.is(got, v), s.is(other, v)); err != nil {
			return fmt.Errorf("of two that were decoded: %w", err)
		}
		if s.ShareMemory {
			return nil
		}
		for i := range encoded {
			encoded[i] ^= 0xff
		}
		if err := s.is(got, v); err != nil {
			return fmt.Errorf("since src was changed: %w", err)
		}
		return nil
	})
}

// Most tests have short encodings, of which all is checked. Of longer ones it is so much at the most, spread evenly: all prefixes of 10 kB take
// seconds.
const (
	prefixes = 256 // how many are decoded
	damaged  = 32  // how many bytes are damaged, one after the other
)

func (s subject) decodeRefusesPrefixes() error {
	return s.encodings(func(v Value, encoded []byte) error {
		var found failures
		for n := 0; n < len(encoded); n += 1 + len(encoded)/prefixes {
			src, got := bytes.Clone(encoded[:n]), zero(v.Value)
			err := s.decode(src[:n:n], got)
			place, placed := errors.AsType[*codec.FormatError](err)
			switch {
			case err == nil && s.PrefixesDecode:
			case !refuses(err):
				found.add("the first %d of the %d bytes %x give %s, %v", n, len(encoded), encoded, shown(got), err)
			case placed && !s.PrefixesDecode && place.Offset != int64(n):
				found.add("the error of the first %d of the %d bytes %x is not at their end: %w", n, len(encoded), encoded, err)
			default:
				found.join(inside(err, src))
			}
		}
		return found.err()
	})
}

func (s subject) decodeRefusesLonger() error {
	return s.encodings(func(v Value, encoded []byte) error {
		var found failures
		for what, more := range map[string][]byte{"a zero": {0}, "itself": encoded} {
			src, got := append(bytes.Clone(encoded), more...), zero(v.Value)
			switch err := s.decode(src, got); {
			case err == nil && s.LongerDecode || len(more) == 0: // one of no bytes
			case !refuses(err):
				found.add("%x and %s behind it give %s, %v", encoded, what, shown(got), err)
			default:
				found.join(inside(err, src))
			}
		}
		return found.err()
	})
}

func (s subject) decodeRefusesMalformed() error {
	var found failures
	for name, m := range s.Malformed {
		err := s.decode(bytes.Clone(m.Src), zero(m.Into))
		place, placed := errors.AsType[*codec.FormatError](err)
		switch {
		case !refuses(err) || !strings.Contains(err.Error(), m.Error):
			found.add("%s: the error is %v, want %q in it", name, err, m.Error)
		case placed && place.Offset != m.Offset, !placed && m.Offset >= 0:
			found.add("%s: want an error at byte %d, and none where that is below 0: %w", name, m.Offset, err)
		}
	}
	return found.err()
}

func (s subject) decodeSurvives() error {
	return s.encodings(func(v Value, encoded []byte) error {
		var found failures
		for i := 0; i < len(encoded); i += 1 + len(encoded)/damaged {
			for _, other := range []byte{0, 1, 0x7f, 0xff, ^encoded[i]} {
				src := bytes.Clone(encoded)
				src[i] = other
				found.join(inside(s.decode(src, zero(v.Value)), src))
			}
		}
		return found.err()
	})
}

// inside checks that the error that Decode returned for src is no panic, and names no place outside of src.
func inside(err error, src []byte) error {
	if err != nil && !refuses(err) {
		return fmt.Errorf("%x: %w", src, err)
	}
	place, placed := errors.AsType[*codec.FormatError](err)
	if placed && (place.Offset < 0 || place.Offset > int64(len(src))) {
		return fmt.Errorf("%x is %d bytes long, and the error is: %w", src, len(src), err)
	}
	return nil
}
