package protobuf_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var _ codec.Codec = protobuf.Codec

// TestAppend has encodings written by hand from the specification of the format.
func TestAppend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"pointer":     {new(&timestamppb.Timestamp{Seconds: 1, Nanos: 300}), "\x08\x01\x10\xac\x02"},
		"struct":      {&timestamppb.Timestamp{Seconds: -1}, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
		"list":        {new(&fieldmaskpb.FieldMask{Paths: []string{"a", "ö"}}), "\x0a\x01a\x0a\x02ö"},
		"empty":       {new(&timestamppb.Timestamp{}), ""},
		"nil message": {new(*timestamppb.Timestamp), ""},
		"sorted map": {new(&structpb.Struct{Fields: map[string]*structpb.Value{
			"b": structpb.NewBoolValue(true), "a": structpb.NewNullValue(), "c": structpb.NewStringValue("z"),
		}}), "\x0a\x07\x0a\x01a\x12\x02\x08\x00" + "\x0a\x07\x0a\x01b\x12\x02\x20\x01" + "\x0a\x08\x0a\x01c\x12\x03\x1a\x01z"},
	} {
		for range 10 { // of random orders of a map
			roomy := append(make([]byte, 0, 256), "head:"...)
			got, err := protobuf.Codec.Append(roomy, tc.value)
			if err != nil || string(got) != "head:"+tc.want {
				t.Fatalf("%s, with room: %q, %v, want %q", name, got, err, "head:"+tc.want)
			}
			got, err = protobuf.Codec.Append(nil, tc.value)
			if err != nil || string(got) != tc.want {
				t.Fatalf("%s, onto nil: %q, %v, want %q", name, got, err, tc.want)
			}
		}
	}
}

func TestAppendDoesNotCopyDst(t *testing.T) {
	t.Parallel()
	roomy := make([]byte, 5, 64)
	got, err := protobuf.Codec.Append(roomy, new(wrapperspb.String("text")))
	if err != nil || &got[0] != &roomy[0] {
		t.Errorf("the encoding went elsewhere although there was room: %v", err)
	}
}

func TestAppendErrorLeavesDst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"text":     {new(wrapperspb.String("\xff")), "invalid UTF-8"},
		"required": {new(&descriptorpb.UninterpretedOption_NamePart{}), "required field"},
		"type":     {new("text"), "cannot handle *string"},
	} {
		dst := []byte("head:")
		got, err := protobuf.Codec.Append(dst, tc.value)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, tc.want)
		}
		if string(got) != "head:" {
			t.Errorf("%s: after an error dst is %q", name, got)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	src := []byte("\x08\x01\x10\xac\x02")
	want := &timestamppb.Timestamp{Seconds: 1, Nanos: 300}

	var pointer *timestamppb.Timestamp
	if err := protobuf.Codec.Decode(src, &pointer); err != nil || !proto.Equal(pointer, want) {
		t.Errorf("by pointer: %v, %v", pointer, err)
	}
	var value timestamppb.Timestamp
	if err := protobuf.Codec.Decode(src, &value); err != nil || !proto.Equal(&value, want) {
		t.Errorf("by value: %v, %v", &value, err)
	}
	var empty *timestamppb.Timestamp
	if err := protobuf.Codec.Decode(nil, &empty); err != nil || empty == nil {
		t.Errorf("nothing became %v, %v, want an empty message", empty, err)
	}
}

// Fields of a newer type of the other side are not lost by a service that passes messages on.
func TestDecodeKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	src := "\x08\x01\x7a\x03new"
	var m *timestamppb.Timestamp
	if err := protobuf.Codec.Decode([]byte(src), &m); err != nil {
		t.Fatal(err)
	}
	if got, err := protobuf.Codec.Append(nil, &m); err != nil || string(got) != src {
		t.Errorf("%q, %v, want %q", got, err, src)
	}
}

func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	src, err := protobuf.Codec.Append(nil, new(wrapperspb.Bytes([]byte("payload"))))
	if err != nil {
		t.Fatal(err)
	}
	src = append(src, "\x7a\x03new"...) // and a field that is not known
	before := string(src)
	var m *wrapperspb.BytesValue
	if err := protobuf.Codec.Decode(src, &m); err != nil {
		t.Fatal(err)
	}
	if string(src) != before {
		t.Errorf("src became %q", src)
	}
	clear(src)
	if string(m.Value) != "payload" || string(m.ProtoReflect().GetUnknown()) != "\x7a\x03new" {
		t.Errorf("the value changed with src: %v", m)
	}
}

func TestTypeError(t *testing.T) {
	t.Parallel()
	const takes = ", it takes a pointer that is not nil to a generated message, or to a pointer to one"
	var nobody proto.Message
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"nil":             {nil, "codec: protobuf cannot handle <nil>" + takes},
		"value":           {"text", "codec: protobuf cannot handle string" + takes},
		"text":            {new("text"), "codec: protobuf cannot handle *string" + takes},
		"pointer":         {new(new("text")), "codec: protobuf cannot handle **string" + takes},
		"nil pointer":     {(**timestamppb.Timestamp)(nil), "codec: protobuf cannot handle **timestamppb.Timestamp" + takes},
		"nil message":     {(*timestamppb.Timestamp)(nil), "codec: protobuf cannot handle *timestamppb.Timestamp" + takes},
		"two pointers":    {new(new(&timestamppb.Timestamp{})), "codec: protobuf cannot handle ***timestamppb.Timestamp" + takes},
		"interface":       {&nobody, "codec: protobuf cannot handle *protoreflect.ProtoMessage" + takes},
		"dynamic":         {new(dynamicpb.Message), "codec: protobuf cannot handle *dynamicpb.Message" + takes},
		"dynamic pointer": {new(*dynamicpb.Message), "codec: protobuf cannot handle **dynamicpb.Message" + takes},
	} {
		_, appendErr := protobuf.Codec.Append(nil, tc.value)
		for verb, err := range map[string]error{"Append": appendErr, "Decode": protobuf.Codec.Decode(nil, tc.value)} {
			var wrong *codec.TypeError
			if !errors.As(err, &wrong) || err.Error() != tc.want {
				t.Errorf("%s: %s = %v, want %s", name, verb, err, tc.want)
			}
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	if got := protobuf.Codec.ContentType(); got != "application/protobuf" {
		t.Errorf("content type %q", got)
	}
}

func BenchmarkTimestamp(b *testing.B) {
	benchmark(b, &timestamppb.Timestamp{Seconds: 1700000000, Nanos: 999})
}

func BenchmarkStruct(b *testing.B) {
	value, err := structpb.NewStruct(map[string]any{"id": 42, "ratio": math.Pi, "lines": []any{"two pencils", "one notebook"}})
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, value)
}

// benchmark measures what one event costs: one Append into a buffer with room, one Decode into a nil pointer.
func benchmark[M proto.Message](b *testing.B, value M) {
	encoded, err := protobuf.Codec.Append(nil, &value)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(encoded)))
		dst := make([]byte, 0, len(encoded))
		for b.Loop() {
			if _, err := protobuf.Codec.Append(dst, &value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(encoded)))
		for b.Loop() {
			var decoded M
			if err := protobuf.Codec.Decode(encoded, &decoded); err != nil {
				b.Fatal(err)
			}
		}
	})
}
