package codectest

import (
	"runtime"

	"github.com/fanfare-go/fanfare/codec"
)

// Allocates returns how many bytes Decode allocates for src, and its error. No content of src may make that out of proportion to its length.
// All that the process allocates meanwhile counts, so a test that calls this must not be parallel.
func Allocates(c codec.Codec, src []byte, v any) (uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := c.Decode(src, v)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}
