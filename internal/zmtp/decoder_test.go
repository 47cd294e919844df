package zmtp_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

var testLimits = zmtp.Limits{MessageBytes: 1 << 20, Frames: 16, CommandBytes: 1 << 10}

// decode feeds wire in pieces of the sizes that next returns and describes all that comes out, the error last.
func decode(limits zmtp.Limits, wire []byte, next func() int) (out []string) {
	d := zmtp.NewDecoder(limits, nil)
	for {
		for {
			message, command, err := d.Next()
			if err != nil {
				return append(out, err.Error())
			}
			if message == nil && command == nil {
				break
			}
			out = append(out, fmt.Sprintf("%q %q %t", message, command, command != nil))
		}
		if len(wire) == 0 {
			return out
		}
		n := copy(d.Buffer(), wire[:min(len(wire), max(1, next()))])
		d.Advance(n)
		wire = wire[n:]
	}
}

func whole() int { return 1 << 30 }

func equal(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) && len(a) == len(b) }

func stream() []byte {
	var wire []byte
	for i := range 2000 {
		wire = zmtp.AppendMessage(wire, [][]byte{fmt.Appendf(nil, "topic.%d", i), bytes.Repeat([]byte{'e'}, i%40), bytes.Repeat([]byte{'p'}, i%300)})
	}
	wire = zmtp.AppendFrame(wire, zmtp.More, []byte("first"))
	wire = zmtp.AppendPing(wire, 1e9, []byte("between"))
	wire = zmtp.AppendFrame(wire, zmtp.More, bytes.Repeat([]byte{'L'}, 300_000))
	wire = zmtp.AppendFrame(wire, 0, nil)
	for i := range 100 {
		wire = zmtp.AppendMessage(wire, [][]byte{[]byte("big"), bytes.Repeat([]byte{byte(i)}, 1000*i)})
	}
	return wire
}

func TestDecoderChunking(t *testing.T) {
	t.Parallel()
	wire := stream()
	want := decode(testLimits, wire, whole)
	if len(want) != 2000+2+100 {
		t.Fatalf("%d units", len(want))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() int{
		"byte by byte": func() int { return 1 },
		"by 7":         func() int { return 7 },
		"random":       func() int { return random.IntN(5000) },
	} {
		if got := decode(testLimits, wire, next); !equal(got, want) {
			t.Errorf("%s: differs from whole", name)
		}
	}
}

// What was handed out must never change: the receiver owns it.
func TestDecoderDoesNotReuse(t *testing.T) {
	t.Parallel()
	wire, d := stream(), zmtp.NewDecoder(testLimits, nil)
	var kept, copies [][]byte
	for rest := wire; ; {
		message, command, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		if message != nil || command != nil {
			for _, frame := range append(message, command) {
				kept, copies = append(kept, frame), append(copies, bytes.Clone(frame))
			}
			continue
		}
		if len(rest) == 0 {
			break
		}
		n := copy(d.Buffer(), rest)
		d.Advance(n)
		rest = rest[n:]
	}
	for i := range kept {
		if !bytes.Equal(kept[i], copies[i]) {
			t.Fatalf("frame %d changed after it was handed out", i)
		}
		if cap(kept[i]) != len(kept[i]) {
			t.Fatalf("frame %d: appending to it would write into its neighbour", i)
		}
	}
}

func TestDecoderLimits(t *testing.T) {
	t.Parallel()
	frames := func(n int) []byte { return zmtp.AppendMessage(nil, make([][]byte, n)) }
	tests := []struct {
		name string
		wire []byte
		part string // of the violation; empty: none
	}{
		{"most frames", frames(16), ""},
		{"one frame more", frames(17), "message"},
		{"most bytes", zmtp.AppendFrame(nil, 0, make([]byte, 1<<20)), ""},
		{"one byte more", zmtp.AppendHeader(nil, 0, 1<<20+1), "frame"},
		{"one byte more in two frames", append(zmtp.AppendFrame(nil, zmtp.More, make([]byte, 1<<19)), zmtp.AppendHeader(nil, 0, 1<<19+1)...), "frame"},
		{"long command", zmtp.AppendHeader(nil, zmtp.Command, 1<<10+1), "frame"},
		{"2^62", []byte{2, 0x40, 0, 0, 0, 0, 0, 0, 0}, "frame"},
		{"garbage", []byte("GET / HTTP/1.1\r\n"), "frame"},
	}
	for _, tt := range tests {
		d := zmtp.NewDecoder(testLimits, nil)
		var protocol *zmtp.ProtocolError
		for rest := tt.wire; ; {
			message, command, err := d.Next()
			if errors.As(err, &protocol) || message == nil && command == nil && len(rest) == 0 {
				break
			}
			n := copy(d.Buffer(), rest)
			d.Advance(n)
			rest = rest[n:]
		}
		if got := protocol; (got == nil) != (tt.part == "") || got != nil && got.Part != tt.part {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// A peer that announces the largest message and sends nothing must not make us allocate it.
func TestDecoderAllocatesWhatArrives(t *testing.T) {
	t.Parallel()
	limits := zmtp.Limits{MessageBytes: 1 << 30, Frames: 1, CommandBytes: 1}
	d := zmtp.NewDecoder(limits, nil)
	d.Advance(copy(d.Buffer(), zmtp.AppendHeader(nil, 0, 1<<30)))
	if message, _, err := d.Next(); message != nil || err != nil {
		t.Fatal(message, err)
	}
	if n := len(d.Buffer()); n > 1<<20 {
		t.Errorf("%d bytes allocated for a frame of which nothing came", n)
	}
}

func TestDecoderTruncated(t *testing.T) {
	t.Parallel()
	wire := zmtp.AppendMessage(nil, [][]byte{[]byte("a"), bytes.Repeat([]byte{'b'}, 300), []byte("c")})
	for cut := range wire {
		if out := decode(testLimits, wire[:cut], whole); len(out) != 0 {
			t.Fatalf("cut to %d bytes: %q", cut, out)
		}
	}
}

// The input follows a frame of a size that is fuzzed too: large frames in the input itself would make minimising it take for ever.
func FuzzDecoder(f *testing.F) {
	f.Add(stream()[:300], uint16(0), uint64(1))
	f.Add(zmtp.AppendFrame(nil, 0, []byte("x")), uint16(20_000), uint64(2))
	f.Add([]byte{4, 0, 1, 0, 4, 1, 0, 0, 0}, uint16(300), uint64(3))
	f.Fuzz(func(t *testing.T, tail []byte, large uint16, seed uint64) {
		limits := zmtp.Limits{MessageBytes: 40_000, Frames: 5, CommandBytes: 300}
		wire := append(zmtp.AppendFrame(nil, zmtp.More, make([]byte, large)), tail...)
		random := rand.New(rand.NewPCG(seed, seed))
		want := decode(limits, wire, whole)
		if got := decode(limits, wire, func() int { return random.IntN(1 + len(wire)/3) }); !equal(got, want) {
			t.Fatalf("in pieces %q, whole %q", got, want)
		}
	})
}

// "lent" gives the memory back, "kept" leaves it to the garbage collector.
func BenchmarkDecoder(b *testing.B) {
	message := zmtp.AppendMessage(nil, [][]byte{[]byte("bench.topic"), make([]byte, 32), make([]byte, 64)})
	wire := bytes.Repeat(message, 500)
	for name, pages := range map[string]*zmtp.Pages{"lent": new(zmtp.Pages), "kept": nil} {
		b.Run(name, func(b *testing.B) {
			d, lease := zmtp.NewDecoder(testLimits, pages), []*zmtp.Page(nil)
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			rest := wire
			for done := 0; done < b.N; {
				n := copy(d.Buffer(), rest)
				d.Advance(n)
				if rest = rest[n:]; len(rest) == 0 {
					rest = wire
				}
				for {
					message, _, err := d.Next()
					if err != nil {
						b.Fatal(err)
					}
					if message == nil {
						break
					}
					done++
				}
				lease = d.Lease(lease[:0])
				for _, page := range lease {
					page.Release()
				}
			}
		})
	}
}
