package protobuf

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// malformed returns where src, which did not decode as such a message, has the field that is to blame. The offset is that of the
// tag of the innermost field. Package proto does not tell it, so this is looked for once there is an error.
func malformed(message protoreflect.MessageDescriptor, src []byte) (offset int, found bool) {
	return malformedWithin(message, src, protowire.DefaultRecursionLimit)
}

func malformedWithin(message protoreflect.MessageDescriptor, src []byte, depth int) (offset int, found bool) {
	for offset < len(src) {
		number, wire, size := protowire.ConsumeTag(src[offset:])
		if size < 0 {
			return offset, true
		}
		length := protowire.ConsumeFieldValue(number, wire, src[offset+size:])
		if length < 0 {
			return offset, true
		}
		next := offset + size + length
		if field := message.Fields().ByNumber(number); field != nil && wire == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(src[offset+size : next])
			switch {
			case field.Message() != nil && depth == 0:
				return offset, true // package proto gives up here too
			case field.Message() != nil:
				if inner, found := malformedWithin(field.Message(), content, depth-1); found {
					return next - len(content) + inner, true
				}
			case !wellFormed(field, content):
				return offset, true
			}
		}
		offset = next
	}
	return 0, false
}

// wellFormed checks a field that is no message: text, and the values of a list that come as one field.
func wellFormed(field protoreflect.FieldDescriptor, content []byte) bool {
	switch kind := field.Kind(); {
	case kind == protoreflect.StringKind:
		return field.ParentFile().Syntax() == protoreflect.Proto2 || utf8.Valid(content)
	case kind == protoreflect.BytesKind:
		return true
	default:
		return !field.IsList() || packed(kind, content)
	}
}

// packed reports whether content is a whole number of values of that kind.
func packed(kind protoreflect.Kind, content []byte) bool {
	for len(content) > 0 {
		size := 0
		switch kind {
		case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
			_, size = protowire.ConsumeFixed32(content)
		case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
			_, size = protowire.ConsumeFixed64(content)
		default:
			_, size = protowire.ConsumeVarint(content)
		}
		if size < 0 {
			return false
		}
		content = content[size:]
	}
	return true
}
