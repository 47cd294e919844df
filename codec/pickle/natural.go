package pickle

import (
	"math/big"
	"reflect"
)

// natural returns v as the Go type that it has in an any. The value itself is counted already.
func (s *setter) natural(v value, depth int) (any, error) {
	switch is := v.is.(type) {
	case view:
		if err := s.spend(v, len(is)); err != nil {
			return nil, err
		}
		return append([]byte{}, is...), nil
	case *big.Int:
		if err := s.spend(v, len(is.Bits())); err != nil { // a copy for each mention
			return nil, err
		}
		return new(big.Int).Set(is), nil
	case *sequence:
		return of[[]any](s.setList, v, depth)
	case *dict:
		for i := 0; i < len(is.items); i += 2 {
			if _, text := is.items[i].is.(string); !text {
				return of[map[any]any](s.setMap, v, depth)
			}
		}
		return of[map[string]any](s.setMap, v, depth)
	default:
		return is, nil
	}
}

// of returns v as a T.
func of[T any](set func(into reflect.Value, v value, depth int) error, v value, depth int) (any, error) {
	var into T
	err := set(reflect.ValueOf(&into).Elem(), v, depth)
	return into, err
}
