package zmtp_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// What is loaded comes out as what is read does, as views of what was loaded, each message behind the prefix.
func TestLoad(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), zmtp.LargeFrame)
	var first, second []byte
	first = zmtp.AppendMessage(first, [][]byte{[]byte("a"), nil, []byte("b")})
	first = zmtp.AppendPing(first, 0, []byte("c"))
	first = zmtp.AppendFrame(first, zmtp.More, []byte("before"))
	first = zmtp.AppendHeader(first, zmtp.More, len(large)) // its body comes by itself
	second = zmtp.AppendFrame(second, 0, []byte("after"))

	d := zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 20, Frames: 3, CommandBytes: 100}, nil)
	d.Prefix([]byte("from"))
	var got []string
	var body []byte
	drain := func() {
		for {
			message, command, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			if command != nil {
				got = append(got, fmt.Sprintf("/%q", command))
				continue
			}
			if message == nil {
				return
			}
			for _, f := range message {
				if len(f) == len(large) {
					body, f = f, []byte("large")
				}
				got = append(got, string(f))
			}
		}
	}
	d.Load(first, nil)
	drain()
	d.LoadBody(large, nil)
	drain()
	d.Load(second, nil)
	drain()
	want := []string{"from", "a", "", "b", `/"\x04PING\x00\x00c"`, "from", "before", "large", "after"}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q, want %q", got, want)
	}
	if &body[0] != &large[0] {
		t.Error("the large frame was copied")
	}
	d.Load(zmtp.AppendMessage(nil, [][]byte{nil, nil, nil, nil}), nil)
	if _, _, err := d.Next(); err == nil {
		t.Error("four frames, the limit is three and the prefix counts for none")
	}
}

func TestWireSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 255, 256, 70_000} {
		if got, want := zmtp.WireSize(make([]byte, size)), len(zmtp.AppendFrame(nil, 0, make([]byte, size))); got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
	}
}
