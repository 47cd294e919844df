package codec

import (
	"fmt"
	"reflect"
)

// TypeError reports a value whose Go type the codec cannot handle. It is a mistake in the program that chose the codec, so trying
// again does not help.
type TypeError struct {
	Codec string       // "raw"
	Want  string       // what the codec takes: "a pointer to a byte slice"
	Got   reflect.Type // the type of v; nil for an untyped nil
}

// Error names the codec, the type it got and what it takes.
func (e *TypeError) Error() string {
	return fmt.Sprintf("codec: %s cannot handle %v, it takes %s", e.Codec, e.Got, e.Want)
}
