package pickle

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"reflect"
	"slices"
	"unicode/utf8"
)

// version is the protocol that is written.
const version = 4

var (
	bigInt = reflect.TypeFor[big.Int]()
	errNaN = errors.New("NaN cannot be a key: nothing finds it")
	errKey = errors.New("only text, numbers and bool can be keys")
	errInt = errors.New("an int that is too long")
)

// saver writes one pickle. It remembers nothing (opMemoize), as Python need not either: what occurs twice is written twice.
type saver struct {
	path
	buf    []byte
	fields map[reflect.Type][]field // of the structs it has met
}

// save writes v, which is so deep inside of the value of the program.
func (s *saver) save(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	switch v.Kind() {
	case reflect.Invalid: // a nil interface
		s.buf = append(s.buf, opNone)
		return nil
	case reflect.Interface:
		return s.save(v.Elem(), depth)
	case reflect.Pointer:
		return s.save(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return s.saveList(v, depth)
	case reflect.Map:
		return s.saveMap(v, depth)
	case reflect.Struct:
		return s.saveStruct(v, depth)
	default:
		return s.saveScalar(v)
	}
}

func (s *saver) saveScalar(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			s.buf = append(s.buf, opNewTrue)
		} else {
			s.buf = append(s.buf, opNewFalse)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.saveInt(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n := v.Uint(); n > math.MaxInt64 {
			return s.saveBig(new(big.Int).SetUint64(n))
		}
		s.saveInt(int64(v.Uint()))
	case reflect.Float32, reflect.Float64:
		s.buf = binary.BigEndian.AppendUint64(append(s.buf, opBinFloat), math.Float64bits(v.Float()))
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return errNotUTF8
		}
		s.count(opBinText1, opBinText, opBinText8, v.Len())
		s.buf = append(s.buf, v.String()...)
	default:
		return typeError(v.Type())
	}
	return nil
}

func (s *saver) saveInt(n int64) {
	switch {
	case n >= 0 && n <= math.MaxUint8:
		s.buf = append(s.buf, opBinInt1, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		s.buf = binary.LittleEndian.AppendUint16(append(s.buf, opBinInt2), uint16(n))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		s.buf = binary.LittleEndian.AppendUint32(append(s.buf, opBinInt), uint32(n))
	default:
		s.buf = binary.LittleEndian.AppendUint64(append(s.buf, opLong1, 8), uint64(n))
	}
}

func (s *saver) saveBig(n *big.Int) error {
	if n.IsInt64() {
		s.saveInt(n.Int64())
		return nil
	}
	digits := appendTwosComplement(nil, n)
	if len(digits) > math.MaxInt32 {
		return errInt
	}
	s.count(opLong1, opLong4, opLong4, len(digits))
	s.buf = append(s.buf, digits...)
	return nil
}

// count writes the opcode for so many bytes: with a length of 1, 4 or 8 bytes.
func (s *saver) count(short, long, huge byte, length int) {
	switch {
	case length <= math.MaxUint8:
		s.buf = append(s.buf, short, byte(length))
	case int64(length) <= math.MaxUint32:
		s.buf = binary.LittleEndian.AppendUint32(append(s.buf, long), uint32(length))
	default:
		s.buf = binary.LittleEndian.AppendUint64(append(s.buf, huge), uint64(length))
	}
}

// saveList writes a slice or an array, of bytes or of others.
func (s *saver) saveList(v reflect.Value, depth int) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		s.buf = append(s.buf, opNone)
		return nil
	}
	if isBytes(v.Type()) {
		s.count(opBinBytes1, opBinBytes, opBinBytes8, v.Len())
		if v.Kind() == reflect.Slice || v.CanAddr() {
			s.buf = append(s.buf, v.Bytes()...)
			return nil
		}
		for i := range v.Len() {
			s.buf = append(s.buf, byte(v.Index(i).Uint()))
		}
		return nil
	}
	if s.buf = append(s.buf, opEmptyList); v.Len() == 0 {
		return nil
	}
	s.buf = append(s.buf, opMark)
	for i := range v.Len() {
		if err := s.save(v.Index(i), depth+1); err != nil {
			return s.inside(index(i), err)
		}
	}
	s.buf = append(s.buf, opAppends)
	return nil
}

// saveMap writes a map with its keys in order: of the text, or else of the bytes that stand for them.
func (s *saver) saveMap(v reflect.Value, depth int) error {
	if v.IsNil() {
		s.buf = append(s.buf, opNone)
		return nil
	}
	if s.buf = append(s.buf, opEmptyDict); v.Len() == 0 {
		return nil
	}
	type entry struct {
		key, value reflect.Value
		text       string // of the key, when it is text
		encoded    []byte
	}
	entries := make([]entry, 0, v.Len())
	for each := v.MapRange(); each.Next(); {
		k := each.Key()
		for k.Kind() == reflect.Interface {
			k = k.Elem()
		}
		start := len(s.buf)
		if err := s.saveKey(k); err != nil {
			return err
		}
		e := entry{key: k, value: each.Value(), encoded: bytes.Clone(s.buf[start:])}
		if k.Kind() == reflect.String {
			e.text = k.String()
		}
		s.buf = s.buf[:start]
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.text, b.text), bytes.Compare(a.encoded, b.encoded)) })
	s.buf = append(s.buf, opMark)
	for _, e := range entries {
		s.buf = append(s.buf, e.encoded...)
		if err := s.save(e.value, depth+1); err != nil {
			return s.inside(key(plain(e.key)), err)
		}
	}
	s.buf = append(s.buf, opSetItems)
	return nil
}

// saveKey writes a key of a map.
func (s *saver) saveKey(k reflect.Value) error {
	switch {
	case !k.IsValid():
		s.buf = append(s.buf, opNone)
		return nil
	case !validKey(k.Type()):
		return errKey
	case k.CanFloat() && math.IsNaN(k.Float()):
		return errNaN
	}
	return s.inside(key(plain(k)), s.saveScalar(k))
}

// plain returns a key as it is shown in a path.
func plain(k reflect.Value) any {
	switch {
	case !k.IsValid():
		return nil
	case k.Kind() == reflect.String:
		return k.String()
	default:
		return k.Interface()
	}
}

func (s *saver) saveStruct(v reflect.Value, depth int) error {
	if v.Type() == bigInt {
		n := v.Interface().(big.Int)
		return s.saveBig(&n)
	}
	fields, known := s.fields[v.Type()]
	if !known {
		var err error
		if fields, err = fieldsOf(v.Type()); err != nil {
			return err
		}
		if s.fields == nil {
			s.fields = make(map[reflect.Type][]field)
		}
		s.fields[v.Type()] = fields
	}
	s.buf = append(s.buf, opEmptyDict, opMark)
	for _, f := range fields {
		s.count(opBinText1, opBinText, opBinText8, len(f.name))
		s.buf = append(s.buf, f.name...)
		if err := s.save(v.Field(f.index), depth+1); err != nil {
			return s.inside(key(f.name), err)
		}
	}
	s.buf = append(s.buf, opSetItems)
	return nil
}
