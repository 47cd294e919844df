package pickle

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
)

func (s *setter) setList(into reflect.Value, v value, depth int) error {
	if v.is == nil && into.Kind() == reflect.Slice {
		return nil
	}
	if isBytes(into.Type()) {
		return s.setBytes(into, v)
	}
	list, ok := v.is.(*sequence)
	if !ok || into.Kind() == reflect.Array && into.Len() != len(list.items) {
		return mismatch(v, into)
	}
	if list.open {
		return wrong(v, errItself)
	}
	if len(list.items) > s.budget { // before the slice is made
		return wrong(v, errBudget)
	}
	list.open = true
	if into.Kind() == reflect.Slice {
		into.Set(reflect.MakeSlice(into.Type(), len(list.items), len(list.items)))
	}
	for i, item := range list.items {
		if err := s.set(into.Index(i), item, depth+1); err != nil {
			return s.inside(index(i), err)
		}
	}
	list.open = false
	return nil
}

func (s *setter) setMap(into reflect.Value, v value, depth int) error {
	t := into.Type()
	if !validKey(t.Key()) && !(t.Key().Kind() == reflect.Interface && t.Key().NumMethod() == 0) {
		return typeError(t)
	}
	if v.is == nil {
		return nil
	}
	from, ok := v.is.(*dict)
	if !ok {
		return mismatch(v, into)
	}
	if from.open {
		return wrong(v, errItself)
	}
	from.open = true
	into.Set(reflect.MakeMap(t))
	for i := 0; i < len(from.items); i += 2 {
		k, item := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := s.setKey(k, from.items[i]); err != nil {
			return err
		}
		if err := s.set(item, from.items[i+1], depth+1); err != nil {
			return s.inside(key(from.items[i].is), err)
		}
		into.SetMapIndex(k, item)
	}
	from.open = false
	return nil
}

// setKey stores a key, which is no container, bytes or an int beyond int64 when the Go type leaves it open: Go cannot compare those.
func (s *setter) setKey(into reflect.Value, v value) error {
	if f, ok := v.is.(float64); ok && math.IsNaN(f) {
		return wrong(v, errNaN)
	}
	switch v.is.(type) {
	case nil, bool, int64, float64, string:
	default:
		if into.Kind() == reflect.Interface {
			return wrong(v, fmt.Errorf("a Python %s as a key: %w", v.kind(), errKey))
		}
	}
	return s.inside("[a key]", s.set(into, v, 0))
}

func (s *setter) setStruct(into reflect.Value, v value, depth int) error {
	if into.Type() == bigInt {
		switch n := v.is.(type) {
		case int64:
			into.Addr().Interface().(*big.Int).SetInt64(n)
		case *big.Int:
			into.Addr().Interface().(*big.Int).Set(n)
			return s.spend(v, len(n.Bits()))
		default:
			return mismatch(v, into)
		}
		return nil
	}
	fields, err := s.fieldsByKey(into.Type())
	if err != nil {
		return err
	}
	from, ok := v.is.(*dict)
	if !ok {
		return mismatch(v, into)
	}
	if from.open {
		return wrong(v, errItself)
	}
	if err := s.spend(v, len(from.items)/2); err != nil { // for the keys that it does not have, which take time as well
		return err
	}
	from.open = true
	for i := 0; i < len(from.items); i += 2 {
		name, _ := from.items[i].is.(string)
		at, known := fields[name]
		if !known {
			continue
		}
		target := into.Field(at)
		target.SetZero() // of equal keys the last one counts
		if err := s.set(target, from.items[i+1], depth+1); err != nil {
			return s.inside(key(name), err)
		}
	}
	from.open = false
	return nil
}

// fieldsByKey returns the fields of struct type t by their keys.
func (s *setter) fieldsByKey(t reflect.Type) (map[string]int, error) {
	if fields, known := s.fields[t]; known {
		return fields, nil
	}
	list, err := fieldsOf(t)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]int, len(list))
	for _, f := range list {
		fields[f.name] = f.index
	}
	if s.fields == nil {
		s.fields = make(map[reflect.Type]map[string]int)
	}
	s.fields[t] = fields
	return fields, nil
}
