package zmq

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The bodies of commands, byte for byte.
func TestTaskCommandBytes(t *testing.T) {
	t.Parallel()
	for want, got := range map[string][]byte{
		"\x00\x00\x00\x10resize": appendCredit(nil, "resize", 16),
		"\x00\x00\x00\x00":       appendCredit(nil, "", 0),
		"\x06resize" + "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x03" + "\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x01": appendAck(nil, "resize", []taskRange{{1, 3}, {7, 1}}),
		"\x06resize" + "\x00\x00\x00\x00\x00\x00\x00\x02" + "\x00\x00\x00\x64" + "no":                                          (&nack{"resize", 2, 100 * time.Millisecond, "no"}).append(nil),
		"\x06resize" + "\x00\x00\x00\x00\x00\x00\x00\x02" + "\xff\xff\xff\xff" + "never":                                       (&nack{"resize", 2, -1, "never"}).append(nil),
		"\x06resize" + "\x00\x00\x00\x00\x00\x00\x00\x02" + "\x00\x00\x00\x00":                                                 (&nack{task: "resize", seq: 2}).append(nil),
	} {
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTaskDelays(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]uint32{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, -1: math.MaxUint32, math.MinInt64: math.MaxUint32,
		math.MaxInt64: math.MaxUint32 - 1, 1000 * time.Hour: 3_600_000_000,
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v is %d ms, want %d", d, got, want)
		}
	}
}

// Every proper prefix of a command is one that is malformed, or another one that is not.
func TestMalformedTaskCommands(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("t", 256)
	for _, body := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x01" + long} {
		if n, task, err := parseCredit([]byte(body)); err == nil {
			t.Errorf("credit %q: %d of %q", body, n, task)
		}
	}
	const one = "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	for _, body := range []string{
		"", "\x01", "\x01a", "\x01a" + one[1:], "\x01a" + one + "\x00", "\x02a" + one[11:],
		"\x01a" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "\x01a" + "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"\x01a" + "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x01", "\x01a" + one + "\xff\xff\xff\xff\xff\xff\xff\xfe\x00\x00\x00\x02",
	} {
		if task, ranges, err := parseAck([]byte(body)); err == nil {
			t.Errorf("ack %q: %v of %q", body, ranges, task)
		}
	}
	for _, body := range []string{"", "\x01", "\x01a", "\x01a" + one[1:]} {
		if n, err := parseNack([]byte(body)); err == nil {
			t.Errorf("nack %q: %+v", body, n)
		}
	}
}

// A reason that is too long is cut, on both sides, and text on arrival.
func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	body := (&nack{task: "a", reason: strings.Repeat("x", 5000)}).append(nil)
	if len(body) != 2+12+maxReason {
		t.Errorf("%d bytes", len(body))
	}
	n, err := parseNack(append(body, strings.Repeat("y", 5000)...))
	if err != nil || len(n.reason) != maxReason || strings.Contains(n.reason, "y") {
		t.Errorf("%d bytes, %v", len(n.reason), err)
	}
	if n, err = parseNack([]byte("\x01a\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00a\xffb")); err != nil || n.reason != "a\uFFFDb" {
		t.Errorf("%+v, %v", n, err)
	}
}

// FuzzTaskCommands: no bytes make a parser panic, and what it understands it says again.
func FuzzTaskCommands(f *testing.F) {
	f.Add(appendCredit(nil, "resize", 16))
	f.Add(appendAck(nil, "resize", []taskRange{{1, 3}, {7, 1}}))
	f.Add((&nack{"resize", 2, -1, "never"}).append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if n, task, err := parseCredit(body); err == nil && !bytes.Equal(appendCredit(nil, task, n), body) {
			t.Errorf("credit of %d for %q", n, task)
		}
		if task, ranges, err := parseAck(body); err == nil && !bytes.Equal(appendAck(nil, task, ranges), body) {
			t.Errorf("acks %v of %q", ranges, task)
		}
		n, err := parseNack(body)
		if err != nil {
			return
		}
		if again, err := parseNack(n.append(nil)); err != nil || len(n.reason) <= maxReason && !reflect.DeepEqual(n, again) {
			t.Errorf("%+v became %+v, %v", n, again, err)
		}
	})
}
