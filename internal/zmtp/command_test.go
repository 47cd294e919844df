package zmtp_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

func TestParseCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, name, rest string }{
		{"\x04PING\x00\x06ctx", "PING", "\x00\x06ctx"},
		{"\x01X", "X", ""},
	} {
		name, rest, err := zmtp.ParseCommand([]byte(tt.in))
		if string(name) != tt.name || string(rest) != tt.rest || err != nil {
			t.Errorf("%q: %q, %q, %v", tt.in, name, rest, err)
		}
	}
	for _, in := range []string{"", "\x00", "\x00abc", "\x04PIN", "\xff"} {
		if name, _, err := zmtp.ParseCommand([]byte(in)); err == nil {
			t.Errorf("%q: accepted as %q", in, name)
		}
	}
}

func TestParsePing(t *testing.T) {
	t.Parallel()
	ttl, context, err := zmtp.ParsePing([]byte("\x00\x0fcontext"))
	if ttl != 1500*time.Millisecond || string(context) != "context" || err != nil {
		t.Errorf("%v, %q, %v", ttl, context, err)
	}
	if _, context, _ := zmtp.ParsePing([]byte("\x00\x000123456789abcdefTOO LONG")); string(context) != "0123456789abcdef" {
		t.Errorf("context %q is not cut to 16 bytes", context)
	}
	for _, in := range []string{"", "\x00"} {
		if _, _, err := zmtp.ParsePing([]byte(in)); err == nil {
			t.Errorf("%q: accepted", in)
		}
	}
}

func TestParseSubscription(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in            [][]byte
		prefix        string
		subscribe, ok bool
	}{
		{[][]byte{[]byte("\x01alpha")}, "alpha", true, true},
		{[][]byte{[]byte("\x00alpha")}, "alpha", false, true},
		{[][]byte{{1}}, "", true, true},
		{[][]byte{{}}, "", false, false},
		{[][]byte{[]byte("\x02alpha")}, "", false, false},
		{[][]byte{{1}, {1}}, "", false, false},
		{nil, "", false, false},
	} {
		prefix, subscribe, ok := zmtp.ParseSubscription(tt.in)
		if string(prefix) != tt.prefix || subscribe != tt.subscribe || ok != tt.ok {
			t.Errorf("%q: %q, %t, %t", tt.in, prefix, subscribe, ok)
		}
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte("\x04PING\x00\x06ctx"))
	f.Add([]byte("\x04PING\x00"))
	f.Add([]byte("\x09SUBSCRIBEalpha"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if ttl, context, err := zmtp.ParsePing(body); err == nil && (len(context) > zmtp.MaxContext || ttl < 0) {
			t.Fatalf("PING: %v, %q", ttl, context)
		}
		zmtp.ParseSubscription([][]byte{body})
		name, rest, err := zmtp.ParseCommand(body)
		if err != nil {
			return
		}
		wire := zmtp.AppendCommand(nil, string(name), rest)
		if h, n, err := zmtp.ParseHeader(wire, len(body)); err != nil || h.Size != len(body) || !bytes.Equal(wire[n:], body) {
			t.Fatalf("round trip of %q: %q, %v", body, wire, err)
		}
	})
}
