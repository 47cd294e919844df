package protobuf_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/protobuf"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var _ codec.Codec = protobuf.Codec

// TestCodec has encodings written by hand from the specification of the format.
func TestCodec(t *testing.T) {
	t.Parallel()
	unknown := &timestamppb.Timestamp{Seconds: 1}
	unknown.ProtoReflect().SetUnknown([]byte("\x7a\x03new"))
	value := func(v any, encoded string) codectest.Value {
		return codectest.Value{Value: v, Encoded: []byte(encoded)}
	}
	values := map[string]codectest.Value{
		"bytes":       value(new(wrapperspb.Bytes([]byte("payload"))), "\x0a\x07payload"),
		"unknown":     value(&unknown, "\x08\x01\x7a\x03new"), // fields of a newer type are not lost by a service that passes messages on
		"pointer":     value(new(&timestamppb.Timestamp{Seconds: 1, Nanos: 300}), "\x08\x01\x10\xac\x02"),
		"struct":      value(&timestamppb.Timestamp{Seconds: -1}, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		"list":        value(new(&fieldmaskpb.FieldMask{Paths: []string{"a", "ö"}}), "\x0a\x01a\x0a\x02ö"),
		"empty":       value(new(&timestamppb.Timestamp{}), ""),
		"nil message": {Value: new(*timestamppb.Timestamp), Encoded: []byte{}, Decoded: new(&timestamppb.Timestamp{})},
		"sorted map": value(new(&structpb.Struct{Fields: map[string]*structpb.Value{
			"b": structpb.NewBoolValue(true), "a": structpb.NewNullValue(), "c": structpb.NewStringValue("z"),
		}}), "\x0a\x07\x0a\x01a\x12\x02\x08\x00"+"\x0a\x07\x0a\x01b\x12\x02\x20\x01"+"\x0a\x08\x0a\x01c\x12\x03\x1a\x01z"),
	}
	codectest.Run(t, protobuf.Codec, codectest.Cases{
		Name:   "protobuf",
		Values: values,
		Refused: map[string]codectest.Refused{
			"text":     {Value: new(wrapperspb.String("\xff")), Error: "invalid UTF-8"},
			"required": {Value: new(&descriptorpb.UninterpretedOption_NamePart{}), Error: "required field"},
		},
		Malformed: malformed(),
		WrongTypes: map[string]any{
			"nil": nil, "value": "text", "text": new("text"), "pointer": new(new("text")), "nil pointer": (**timestamppb.Timestamp)(nil),
			"nil message": (*timestamppb.Timestamp)(nil), "two pointers": new(new(&timestamppb.Timestamp{})), "interface": new(proto.Message),
			"dynamic": new(dynamicpb.Message), "dynamic pointer": new(*dynamicpb.Message),
		},
		Equal:          sameMessage,
		PrefixesDecode: true, // a message that is cut between two fields is a shorter one
		LongerDecode:   true, // a message behind another is the rest of its fields
	})
	if got := protobuf.Codec.ContentType(); got != "application/protobuf" {
		t.Errorf("content type %q", got)
	}
}

// sameMessage compares pointers to messages, or to pointers to messages.
func sameMessage(got, want any) bool {
	a, ok := got.(proto.Message)
	if !ok {
		return proto.Equal(reflect.ValueOf(got).Elem().Interface().(proto.Message), reflect.ValueOf(want).Elem().Interface().(proto.Message))
	}
	return proto.Equal(a, want.(proto.Message))
}

func BenchmarkTimestamp(b *testing.B) {
	codectest.Benchmark(b, protobuf.Codec, new(&timestamppb.Timestamp{Seconds: 1700000000, Nanos: 999}))
}

func BenchmarkStruct(b *testing.B) {
	value, err := structpb.NewStruct(map[string]any{"id": 42, "ratio": math.Pi, "lines": []any{"two pencils", "one notebook"}})
	if err != nil {
		b.Fatal(err)
	}
	codectest.Benchmark(b, protobuf.Codec, &value)
}
