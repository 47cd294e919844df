package protobuf_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/protobuf"
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

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := values().Draw(t, "value")
		before := proto.Clone(want)
		encoded, err := protobuf.Codec.Append(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(want, before) {
			t.Fatalf("Append changed the message to %v", want)
		}
		var got *structpb.Value
		if err := protobuf.Codec.Decode(encoded, &got); err != nil || !proto.Equal(got, want) {
			t.Fatalf("%v became %v, %v", want, got, err)
		}
		again, err := protobuf.Codec.Append(nil, &got)
		if err != nil || !bytes.Equal(again, encoded) {
			t.Fatalf("equal messages have the encodings %x and %x, %v", encoded, again, err)
		}
	})
}

// FuzzDecode checks that whatever decodes also encodes, that this encoding means the same, and where errors are said to be.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x0a\x07\x0a\x01a\x12\x02\x20\x01"))
	f.Add([]byte("\x08\x01\x10\xac\x02"))
	f.Add([]byte("\x0a\x05text"))
	f.Add([]byte("\x0a\x04\x0a\x02\x01\xff\x7b\x08\x01\x7c"))
	f.Fuzz(func(t *testing.T, src []byte) {
		checkDecode[*structpb.Struct](t, src)
		checkDecode[*durationpb.Duration](t, src)
		checkDecode[*descriptorpb.SourceCodeInfo](t, src)
		checkDecode[*descriptorpb.UninterpretedOption](t, src)
	})
}

func checkDecode[M proto.Message](t *testing.T, src []byte) {
	var m, same M
	if err := protobuf.Codec.Decode(src, &m); err != nil {
		var wrong *codec.FormatError
		if errors.As(err, &wrong) && (wrong.Offset < 0 || wrong.Offset > int64(len(src))) {
			t.Fatalf("%x: %v, outside of %d bytes", src, err, len(src))
		}
		return
	}
	encoded, err := protobuf.Codec.Append(nil, &m)
	if err != nil {
		t.Fatalf("%x decodes to %v, which does not encode: %v", src, m, err)
	}
	if err := protobuf.Codec.Decode(encoded, &same); err != nil || !proto.Equal(same, m) {
		t.Fatalf("%x became %x, %v", src, encoded, err)
	}
}
