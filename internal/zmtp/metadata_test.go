package zmtp_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

func TestMetadataGolden(t *testing.T) {
	t.Parallel()
	b, err := zmtp.AppendMetadata(nil, map[string]string{"X-Fanfare": "1 ack", "Identity": ""})
	want := "08" + hex.EncodeToString([]byte("Identity")) + "00000000" + "09" + hex.EncodeToString([]byte("X-Fanfare")) + "00000005" + hex.EncodeToString([]byte("1 ack"))
	if got := hex.EncodeToString(b); got != want || err != nil {
		t.Fatalf("%s, %v, want %s", got, err, want)
	}
	properties, err := zmtp.ParseMetadata(b)
	if !maps.Equal(properties, map[string]string{"identity": "", "x-fanfare": "1 ack"}) || err != nil {
		t.Errorf("parsed back: %v, %v", properties, err)
	}
	// Every proper prefix is malformed, except where a property ends.
	for cut := 1; cut < len(b); cut++ {
		if _, err := zmtp.ParseMetadata(b[:cut]); (err == nil) != (cut == 1+8+4) {
			t.Errorf("cut to %d bytes: %v", cut, err)
		}
	}
}

func TestAppendMetadataRefuses(t *testing.T) {
	t.Parallel()
	many := make(map[string]string)
	for i := range zmtp.MaxProperties + 1 {
		many["X-"+strings.Repeat("x", i)] = ""
	}
	for name, properties := range map[string]map[string]string{
		"empty name":     {"": "x"},
		"long name":      {strings.Repeat("x", 256): "x"},
		"space in name":  {"X A": "x"},
		"same name":      {"X-A": "1", "x-a": "2"},
		"too many":       many,
		"too many bytes": {"X-A": strings.Repeat("x", zmtp.MaxMetadataBytes)},
	} {
		var protocol *zmtp.ProtocolError
		if _, err := zmtp.AppendMetadata(nil, properties); !errors.As(err, &protocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte("\x0bSocket-Type\x00\x00\x00\x03PUB"))
	f.Add([]byte("\x0bSocket-Type\x00\x00\x00\x04PUB"))
	f.Add([]byte("\x0bSocket-Type"))
	f.Add([]byte("\xff\xff"))
	f.Add([]byte("\x01a\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		properties, err := zmtp.ParseMetadata(b)
		if err != nil {
			return
		}
		wire, err := zmtp.AppendMetadata(nil, properties)
		if err != nil {
			return // a name that we read and would not send
		}
		if again, err := zmtp.ParseMetadata(wire); err != nil || !maps.Equal(again, properties) {
			t.Fatalf("%v, then %v, %v", properties, again, err)
		}
	})
}
