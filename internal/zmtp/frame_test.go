package zmtp_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

func TestFrameGolden(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{'x'}, 256)
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"empty", zmtp.AppendFrame(nil, 0, nil), "0000"},
		{"more", zmtp.AppendFrame(nil, zmtp.More, []byte("ab")), "01026162"},
		{"255 is short", zmtp.AppendFrame(nil, 0, long[:255])[:2], "00ff"},
		{"256 is long", zmtp.AppendFrame(nil, zmtp.More, long)[:9], "030000000000000100"},
		{"message", zmtp.AppendMessage([]byte{0xAA}, [][]byte{[]byte("a"), nil, []byte("b")}), "aa" + "010161" + "0100" + "000162"},
		{"command", zmtp.AppendCommand(nil, "READY", []byte("x")), "0407" + "05" + "5245414459" + "78"},
		{"subscribe", zmtp.AppendSubscribe(nil, []byte("alpha")), "000601" + "616c706861"},
		{"cancel", zmtp.AppendCancel(nil, nil), "000100"},
		{"ping", zmtp.AppendPing(nil, 15e9, []byte("ctx")), "040a" + "0450494e47" + "0096" + "637478"},
		{"ping, ttl rounded up", zmtp.AppendPing(nil, 1, nil), "0407" + "0450494e47" + "0001"},
		{"ping, ttl too long", zmtp.AppendPing(nil, 66e9, nil), "0407" + "0450494e47" + "0000"},
		{"pong", zmtp.AppendPong(nil, []byte("ctx")), "0408" + "04504f4e47" + "637478"},
	}
	for _, tt := range tests {
		if got := hex.EncodeToString(tt.got); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestParseHeader(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	tests := []struct {
		name string
		in   []byte
		want zmtp.Header
		n    int
		bad  bool
	}{
		{name: "nothing"},
		{name: "short, cut", in: []byte{0x01}},
		{name: "short", in: []byte{0x01, 7, 99}, want: zmtp.Header{Flags: zmtp.More, Size: 7}, n: 2},
		{name: "long", in: []byte{0x02, 0, 0, 0, 0, 0, 0x10, 0, 0}, want: zmtp.Header{Flags: zmtp.Long, Size: limit}, n: 9},
		{name: "over the limit", in: []byte{0x02, 0, 0, 0, 0, 0, 0x10, 0, 1}, bad: true},
		{name: "2^40", in: []byte{0x02, 0, 0, 1, 0, 0, 0, 0, 0}, bad: true},
		{name: "2^63", in: []byte{0x02, 0x80, 0, 0, 0, 0, 0, 0, 0}, bad: true},
		{name: "reserved flag", in: []byte{0x08}, bad: true},
		{name: "top flag", in: []byte{0x80, 0}, bad: true},
		{name: "command with more", in: []byte{0x05}, bad: true},
		{name: "command", in: []byte{0x04, 5}, want: zmtp.Header{Flags: zmtp.Command, Size: 5}, n: 2},
	}
	for _, tt := range tests {
		h, n, err := zmtp.ParseHeader(tt.in, limit)
		var protocol *zmtp.ProtocolError
		if h != tt.want || n != tt.n || errors.As(err, &protocol) != tt.bad {
			t.Errorf("%s: %+v, %d, %v", tt.name, h, n, err)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(byte(0), []byte("body"))
	f.Add(byte(1), bytes.Repeat([]byte{1}, 300))
	f.Add(byte(0xFF), []byte{})
	f.Fuzz(func(t *testing.T, flags byte, body []byte) {
		const limit = 1 << 16
		// As bytes from a stranger: never a panic, never a size over the limit.
		if h, n, err := zmtp.ParseHeader(append([]byte{flags}, body...), limit); err == nil && (h.Size > limit || n > 9) {
			t.Fatalf("accepted %+v, %d", h, n)
		}
		// As our own: what is encoded is parsed back, and every prefix of the header asks for more.
		valid := zmtp.Flags(flags) & (zmtp.More | zmtp.Command)
		if valid == zmtp.More|zmtp.Command {
			valid = zmtp.More
		}
		wire := zmtp.AppendFrame(nil, valid, body)
		h, n, err := zmtp.ParseHeader(wire, len(body))
		if err != nil || h.Size != len(body) || h.Flags&^zmtp.Long != valid || !bytes.Equal(wire[n:], body) {
			t.Fatalf("round trip: %+v, %d, %v", h, n, err)
		}
		for cut := range n {
			if _, n, err := zmtp.ParseHeader(wire[:cut], len(body)); n != 0 || err != nil {
				t.Fatalf("header cut to %d bytes: %d, %v", cut, n, err)
			}
		}
	})
}
