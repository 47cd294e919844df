package protobuf_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/codec/protobuf"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"
)

// values draws what a JSON text can hold, as a message.
func values() *rapid.Generator[*structpb.Value] {
	return rapid.Custom(func(t *rapid.T) *structpb.Value { return value(t, 3) })
}

func value(t *rapid.T, depth int) *structpb.Value {
	kinds := []string{"null", "bool", "number", "string"}
	if depth > 0 {
		kinds = append(kinds, "list", "struct")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "bool":
		return structpb.NewBoolValue(rapid.Bool().Draw(t, "bool"))
	case "number":
		return structpb.NewNumberValue(rapid.Float64().Draw(t, "number"))
	case "string":
		return structpb.NewStringValue(rapid.String().Draw(t, "string"))
	case "list":
		list := &structpb.ListValue{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			list.Values = append(list.Values, value(t, depth-1))
		}
		return structpb.NewListValue(list)
	case "struct":
		fields := map[string]*structpb.Value{}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			fields[rapid.String().Draw(t, "name")] = value(t, depth-1)
		}
		return structpb.NewStructValue(&structpb.Struct{Fields: fields})
	default:
		return structpb.NewNullValue()
	}
}

// TestContractOfAnyValue checks the rules of all codecs, and that equal messages have equal encodings.
func TestContractOfAnyValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		message := values().Draw(t, "value")
		encoded, err := protobuf.Codec.Append(nil, new(proto.CloneOf(message)))
		if err != nil {
			t.Fatal(err)
		}
		if err := codectest.Check(protobuf.Codec, codectest.Cases{
			Values: map[string]codectest.Value{"drawn": {Value: &message, Encoded: encoded}},
			Equal:  sameMessage, PrefixesDecode: true, LongerDecode: true,
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecode checks what Decode makes of any bytes.
func FuzzDecode(f *testing.F) {
	codectest.Fuzz(f, protobuf.Codec, []any{
		new(*structpb.Struct), new(*durationpb.Duration), new(*descriptorpb.SourceCodeInfo), new(*descriptorpb.UninterpretedOption),
	}, [][]byte{
		[]byte("\x0a\x07\x0a\x01a\x12\x02\x20\x01"),
		[]byte("\x08\x01\x10\xac\x02"),
		[]byte("\x0a\x05text"),
		[]byte("\x0a\x04\x0a\x02\x01\xff\x7b\x08\x01\x7c"),
	}, &codectest.FuzzOptions{Equal: sameMessage})
}
