package pickle

import "reflect"

// field is an exported field of a struct and its key in a dict.
type field struct {
	name  string
	index int
}

// fieldsOf returns the fields of struct type t in order. A struct that hides all it has is not plain data: it would lose its content.
func fieldsOf(t reflect.Type) ([]field, error) {
	var fields []field
	known := make(map[string]bool, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, tagged := f.Tag.Lookup("pickle")
		if !f.IsExported() || name == "-" {
			continue
		}
		if !tagged || name == "" {
			name = f.Name
		}
		if known[name] {
			return nil, typeError(t) // two fields cannot share a key
		}
		known[name] = true
		fields = append(fields, field{name, i})
	}
	if len(fields) == 0 && t.NumField() > 0 {
		return nil, typeError(t)
	}
	return fields, nil
}

// validKey reports whether the keys of a Go map may have type t. These are the types that a dict of Python tells apart as Go does.
func validKey(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	default:
		return false
	}
}

// isBytes reports whether t is a slice or an array of bytes.
func isBytes(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
}
