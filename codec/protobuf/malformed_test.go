package protobuf_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/protobuf"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// malformed has errors of package proto, whose text differs from run to run.
func malformed() map[string]codectest.Malformed {
	wrong := func(into any, src string, offset int64) codectest.Malformed {
		return codectest.Malformed{Src: []byte(src), Into: into, Offset: offset}
	}
	return map[string]codectest.Malformed{
		"tag":                wrong(new(*timestamppb.Timestamp), "\x08\x01\xff", 2),
		"field 0":            wrong(new(*timestamppb.Timestamp), "\x08\x01\x00\x01", 2),
		"number":             wrong(new(*timestamppb.Timestamp), "\x08\x01\x10", 2),
		"long number":        wrong(new(*timestamppb.Timestamp), "\x08"+strings.Repeat("\xff", 11), 0),
		"end of no group":    wrong(new(*timestamppb.Timestamp), "\x08\x01\x7c", 2),
		"group without end":  wrong(new(*timestamppb.Timestamp), "\x08\x01\x7b\x08\x01", 2),
		"length":             wrong(new(*wrapperspb.StringValue), "\x0a\x05text", 0),
		"endless length":     wrong(new(*wrapperspb.StringValue), "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7fx", 0),
		"unknown field":      wrong(new(*wrapperspb.StringValue), "\x0a\x04text\x7a\x05text", 6),
		"text":               wrong(new(*wrapperspb.StringValue), "\x0a\x01\xff", 0),
		"text in a map":      wrong(new(*structpb.Struct), "\x0a\x07\x0a\x01a\x12\x02\x20\x01"+"\x0a\x07\x0a\x01\xff\x12\x02\x20\x01", 11),
		"message in a map":   wrong(new(*structpb.Struct), "\x0a\x07\x0a\x01a\x12\x02\x20\xff", 7),
		"packed numbers":     wrong(new(*descriptorpb.SourceCodeInfo_Location), "\x0a\x02\x01\xff", 0),
		"packed in a list":   wrong(new(*descriptorpb.SourceCodeInfo), "\x0a\x04\x0a\x02\x01\x02"+"\x0a\x04\x0a\x02\x01\xff", 8),
		"old text may be so": wrong(new(*descriptorpb.FileDescriptorProto), "\x0a\x01\xff\x12\x02x", 3), // proto2 does not check text
	}
}

func TestMalformedIsAnErrorOfProto(t *testing.T) {
	t.Parallel()
	for name, tc := range malformed() {
		if err := protobuf.Codec.Decode(tc.Src, tc.Into); !errors.Is(err, proto.Error) {
			t.Errorf("%s: %v, want an error of package proto", name, err)
		}
	}
}

// A field that is missing has no place.
func TestMissingRequiredField(t *testing.T) {
	t.Parallel()
	var m *descriptorpb.UninterpretedOption_NamePart
	err := protobuf.Codec.Decode([]byte("\x0a\x01a"), &m)
	var wrong *codec.FormatError
	if !errors.Is(err, proto.Error) || errors.As(err, &wrong) {
		t.Errorf("got %v, want an error of package proto without an offset", err)
	}
}

// Messages inside of messages end where package proto says, and the error has an offset.
func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	var src []byte
	wrap := func(field protowire.Number) {
		head := protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType), uint64(len(src)))
		src = slices.Insert(src, 0, head...)
	}
	for range protowire.DefaultRecursionLimit {
		wrap(1) // a value of a list
		wrap(6) // that is a value
	}
	err := protobuf.Codec.Decode(src, new(*structpb.Value))
	var wrong *codec.FormatError
	if !errors.As(err, &wrong) || wrong.Offset <= 0 || wrong.Offset >= int64(len(src)) {
		t.Errorf("got %v, want an error at an offset inside of the %d bytes", err, len(src))
	}
}

// Each prefix of an encoding either ends between two fields, and is a shorter message, or is an error at the field that is cut.
func TestTruncated(t *testing.T) {
	t.Parallel()
	fields := []string{"\x08\x96\x01", "\x12\x02hi", "\x7b\x08\x01\x7c", "\x79\x01\x02\x03\x04\x05\x06\x07\x08", "\x7d\x01\x02\x03\x04"}
	whole := strings.Join(fields, "")
	starts := []int{0}
	for _, field := range fields {
		starts = append(starts, starts[len(starts)-1]+len(field))
	}
	for end := range len(whole) {
		var m *timestamppb.Timestamp
		err := protobuf.Codec.Decode([]byte(whole[:end]), &m)
		i, between := slices.BinarySearch(starts, end)
		if between {
			if err != nil {
				t.Errorf("%d whole fields: %v", i, err)
			}
			continue
		}
		var wrong *codec.FormatError
		if !errors.As(err, &wrong) || wrong.Offset != int64(starts[i-1]) {
			t.Errorf("cut at %d: %v, want an error at byte %d", end, err, starts[i-1])
		}
	}
}
