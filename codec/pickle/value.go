package pickle

import "math/big"

// value is what an opcode has put on the stack, and the offset of that opcode. It is one of: nil, bool, int64, *big.Int (beyond
// int64), float64, string, view, *sequence, *dict.
type value struct {
	is any
	at int
}

// view is bytes, which are a part of src and are copied on their way into the value of the program.
type view []byte

// sequence is a list or a tuple. It is behind a pointer because a pickle refers to lists before they are filled.
type sequence struct {
	items []value
	tuple bool
	open  bool // it is being converted, so whoever meets it again is inside of it
}

// dict is the keys and values of a dict in turns, as they came. Of equal keys the last one counts.
type dict struct {
	items []value
	open  bool
}

// kind returns what Python calls v.
func (v value) kind() string {
	switch is := v.is.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case view:
		return "bytes"
	case *sequence:
		if is.tuple {
			return "tuple"
		}
		return "list"
	default:
		return "dict"
	}
}
