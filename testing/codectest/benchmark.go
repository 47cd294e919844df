package codectest

import (
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
)

// Benchmark measures what an event costs whose value v points to: one Append into a buffer with room, and one Decode into a zero value.
func Benchmark(b *testing.B, c codec.Codec, v any) {
	encoded, err := c.Append(nil, v)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(encoded)))
		dst := make([]byte, 0, len(encoded)+1) // JSON appends a line end, and takes it back
		for b.Loop() {
			if _, err := c.Append(dst, v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(encoded)))
		decoded := reflect.New(reflect.TypeOf(v).Elem())
		into := decoded.Interface()
		for b.Loop() {
			decoded.Elem().SetZero()
			if err := c.Decode(encoded, into); err != nil {
				b.Fatal(err)
			}
		}
	})
}
