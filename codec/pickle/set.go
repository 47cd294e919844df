package pickle

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
)

// What a pickle mentions twice becomes two values in Go, and so on inside of them, so a short pickle could ask for any number of
// values. They are counted, and bytes as one value for each: at most so many for each byte of src, and some more for short ones.
const (
	valuesPerByte = 16
	minValues     = 4096
)

var (
	errBudget = fmt.Errorf("more values than %d for each byte: too much of it is mentioned many times", valuesPerByte)
	errItself = errors.New("contains itself")
)

// setter puts the values of one pickle into those of the program.
type setter struct {
	path
	budget int
	fields map[reflect.Type]map[string]int // of the structs it has met, their fields by key
}

// wrong returns err as one about v.
func wrong(v value, err error) error {
	return &codec.FormatError{Offset: int64(v.at), Err: err}
}

// mismatch says that a value cannot be in a Go type.
func mismatch(v value, into reflect.Value) error {
	return wrong(v, fmt.Errorf("a Python %s does not go into a Go %v", v.kind(), into.Type()))
}

// spend takes n values off the budget.
func (s *setter) spend(v value, n int) error {
	if s.budget -= n; s.budget < 0 {
		return wrong(v, errBudget)
	}
	return nil
}

// set stores v in into, which is zero and so deep inside of the value of the program.
func (s *setter) set(into reflect.Value, v value, depth int) error {
	if depth > maxDepth {
		return wrong(v, errDepth)
	}
	if err := s.spend(v, 1); err != nil {
		return err
	}
	switch into.Kind() {
	case reflect.Interface:
		if into.NumMethod() > 0 {
			return typeError(into.Type())
		}
		natural, err := s.natural(v, depth)
		if natural != nil {
			into.Set(reflect.ValueOf(natural))
		}
		return err
	case reflect.Pointer:
		if v.is == nil {
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return s.set(into.Elem(), v, depth+1)
	case reflect.Slice, reflect.Array:
		return s.setList(into, v, depth)
	case reflect.Map:
		return s.setMap(into, v, depth)
	case reflect.Struct:
		return s.setStruct(into, v, depth)
	default:
		return setScalar(into, v)
	}
}

func setScalar(into reflect.Value, v value) error {
	switch into.Kind() {
	case reflect.Bool:
		if b, ok := v.is.(bool); ok {
			into.SetBool(b)
			return nil
		}
	case reflect.String:
		if text, ok := v.is.(string); ok {
			into.SetString(text)
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := v.is.(int64); ok && !into.OverflowInt(n) {
			into.SetInt(n)
			return nil
		}
		return outOfRange(into, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		n, ok := v.is.(int64)
		u, fits := uint64(n), ok && n >= 0
		if long, ok := v.is.(*big.Int); ok {
			u, fits = long.Uint64(), long.IsUint64()
		}
		if fits && !into.OverflowUint(u) {
			into.SetUint(u)
			return nil
		}
		return outOfRange(into, v)
	case reflect.Float32, reflect.Float64:
		f, ok := asFloat(v)
		if ok && !into.OverflowFloat(f) {
			into.SetFloat(f)
			return nil
		}
		return outOfRange(into, v)
	default:
		return typeError(into.Type())
	}
	return mismatch(v, into)
}

// asFloat returns a number as a float, the nearest one. Ints beyond all floats are none; a float may be infinite.
func asFloat(v value) (float64, bool) {
	switch n := v.is.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case *big.Int:
		f, _ := new(big.Float).SetInt(n).Float64()
		return f, !math.IsInf(f, 0)
	default:
		return 0, false
	}
}

// outOfRange says that a number does not fit, or that v is none of that kind.
func outOfRange(into reflect.Value, v value) error {
	_, float := v.is.(float64)
	if v.kind() != "int" && (!float || !into.CanFloat()) {
		return mismatch(v, into)
	}
	return wrong(v, fmt.Errorf("a Python %s is out of the range of a Go %v", v.kind(), into.Type()))
}

// setBytes stores a copy of bytes in a slice or an array of them.
func (s *setter) setBytes(into reflect.Value, v value) error {
	b, ok := v.is.(view)
	if !ok || into.Kind() == reflect.Array && into.Len() != len(b) {
		return mismatch(v, into)
	}
	if err := s.spend(v, len(b)); err != nil {
		return err
	}
	if into.Kind() == reflect.Slice {
		into.Set(reflect.MakeSlice(into.Type(), len(b), len(b)))
	}
	copy(into.Bytes(), b)
	return nil
}
