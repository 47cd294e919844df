package socket

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// Wherever writing stopped, the messages of which a byte is missing come back, whole, and no others.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	var s segment
	var ends []int
	large := bytes.Repeat([]byte("large"), zmtp.LargeFrame)
	for i := range 20 {
		frames := [][]byte{fmt.Append(nil, i), nil, bytes.Repeat([]byte{'x'}, i*30)}
		if i%5 == 0 {
			frames = append(frames, large)
		}
		s.size += s.encode(frames, nil)
		s.messages++
		ends = append(ends, s.size)
		if i%3 == 0 {
			ping := zmtp.AppendPing(nil, 0, []byte("context"))
			s.buf = append(s.buf, ping...)
			s.size += len(ping)
		}
	}
	stops := []int{0}
	for _, end := range ends {
		stops = append(stops, end-1, end, end+1)
	}
	for at := 0; at <= s.size; at += 1 + at%97 {
		stops = append(stops, at)
	}
	for _, written := range stops {
		first := 0
		for first < len(ends) && ends[first] <= written {
			first++
		}
		rest := s.unwritten(written)
		if len(rest) != len(ends)-first {
			t.Fatalf("after %d of %d bytes %d messages, want %d", written, s.size, len(rest), len(ends)-first)
		}
		for i, m := range rest {
			if string(m[0]) != fmt.Sprint(first+i) || len(m[2]) != (first+i)*30 || (first+i)%5 == 0 && !bytes.Equal(m[3], large) {
				t.Fatalf("after %d bytes: %.20q at %d", written, m, i)
			}
		}
	}
}
