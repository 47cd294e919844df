package codec_test

import (
	"bytes"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

func TestRawDecodeSharesMemorySafely(t *testing.T) {
	t.Parallel()
	received := []byte("payload|next frame")
	var plain []byte
	var named frame
	for _, v := range []any{&plain, &named} {
		if err := codec.Raw.Decode(received[:7], v); err != nil {
			t.Fatal(err)
		}
	}
	if &plain[0] != &received[0] || &named[0] != &received[0] {
		t.Error("Decode copied the payload")
	}
	plain, named = append(plain, "!!!"...), append(named, "!!!"...)
	if string(received) != "payload|next frame" {
		t.Errorf("appending to a decoded value overwrote its neighbour: %q", received)
	}
}

func TestRawDoesNotAllocate(t *testing.T) {
	dst, value := make([]byte, 0, 64), []byte("payload")
	n := testing.AllocsPerRun(100, func() {
		encoded, err := codec.Raw.Append(dst, &value)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.Raw.Decode(encoded, &value); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("a round trip allocates %v times", n)
	}
}

func FuzzRawDecode(f *testing.F) {
	f.Add([]byte("payload"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, src []byte) {
		var value frame
		if err := codec.Raw.Decode(src, &value); err != nil {
			t.Fatal(err)
		}
		again, err := codec.Raw.Append(nil, &value)
		if err != nil || !bytes.Equal(again, src) {
			t.Fatalf("%q became %q, %v", src, again, err)
		}
	})
}

func BenchmarkRaw(b *testing.B) {
	codectest.Benchmark(b, codec.Raw, new(bytes.Repeat([]byte("x"), 256)))
}

func BenchmarkRawNamed(b *testing.B) {
	codectest.Benchmark(b, codec.Raw, new(frame(bytes.Repeat([]byte("x"), 256))))
}
