package cbor_test

import (
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/cbor"
)

// counted is a byte string of n bytes.
func counted(n int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0x5a}, uint32(n)), slices.Repeat([]byte{1}, n)...)
}

// chunked is one of unknown length, in two parts.
func chunked(n int) []byte {
	return slices.Concat([]byte{0x5f}, counted(n/2), counted(n-n/2), []byte{0xff})
}

// TestLongIntegersAreRefused checks that no integer is so long that writing it into an error takes long.
func TestLongIntegersAreRefused(t *testing.T) {
	t.Parallel()
	const most = 4096
	for name, tc := range map[string]struct {
		src    []byte
		offset int64 // -1: it is decoded
	}{
		"longest":              {slices.Concat([]byte{0xc2}, counted(most)), -1},
		"longest, in chunks":   {slices.Concat([]byte{0xc3}, chunked(most)), -1},
		"too long":             {slices.Concat([]byte{0xc2}, counted(most+1)), 0},
		"negative":             {slices.Concat([]byte{0xc3}, counted(most+1)), 0},
		"in chunks":            {slices.Concat([]byte{0xc2}, chunked(most+1)), 0},
		"long tag":             {slices.Concat([]byte{0xda, 0, 0, 0, 2}, counted(most+1)), 0},
		"nested":               {slices.Concat([]byte{0x82, 0x61, 'a', 0xa1, 0x19, 1, 0, 0xc2}, counted(most+1)), 7},
		"after a long one":     {slices.Concat([]byte{0x82}, counted(most+1), []byte{0xc2}, counted(most+1)), 1 + 5 + most + 1},
		"after a chunked one":  {slices.Concat([]byte{0x82}, chunked(8), []byte{0xc2}, counted(most+1)), 1 + 20},
		"many short":           {slices.Concat([]byte{0x83}, slices.Repeat(slices.Concat([]byte{0xc2}, counted(most)), 3)), -1},
		"bytes":                {counted(1 << 16), -1},
		"bytes in chunks":      {chunked(1 << 16), -1},
		"text like tags":       {slices.Concat([]byte{0x7a, 0, 1, 0, 0}, []byte(strings.Repeat("Â", 1<<15))), -1},
		"bytes of another tag": {slices.Concat([]byte{0xd8, 0x18}, counted(most+1)), -1},
	} {
		var value any
		err := cbor.Codec.Decode(tc.src, &value)
		var format *codec.FormatError
		switch {
		case tc.offset < 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.offset >= 0 && (!errors.As(err, &format) || format.Offset != tc.offset || !strings.Contains(err.Error(), "more than 4096 bytes")):
			t.Errorf("%s: got %v, want an error at byte %d", name, err, tc.offset)
		}
	}
	var number big.Int
	if err := cbor.Codec.Decode(slices.Concat([]byte{0xc2}, counted(most)), &number); err != nil || number.BitLen() != 8*most-7 {
		t.Errorf("the longest has %d bits, %v", number.BitLen(), err)
	}
}
