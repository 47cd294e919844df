package msgpack

import (
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/codec"
)

// maxDepth is how deep arrays and maps may be nested: the library recurses without a limit.
const maxDepth = 128

var (
	errDepth = fmt.Errorf("arrays and maps are nested more than %d deep", maxDepth)
	errRest  = errors.New("bytes are left over")
)

// check returns nil when src is exactly one item that is complete. The library allocates what a length asks for before it reads the
// elements, up to 64 GB for 5 bytes; after check no length is larger than what follows it.
func check(src []byte) error {
	var open [maxDepth]uint64 // of each array or map around src[at]: the items still to come
	depth, at := 0, 0
	for {
		h, err := readHead(src, at)
		if err != nil {
			return err
		}
		if h.data > uint64(len(src)-at-h.size) {
			return cutShort(src)
		}
		if h.items > 0 {
			if depth == maxDepth {
				return &codec.FormatError{Offset: int64(at), Err: errDepth}
			}
			open[depth] = h.items
			depth++
			at += h.size
			continue
		}
		at += h.size + int(h.data)
		for depth > 0 {
			if open[depth-1]--; open[depth-1] > 0 {
				break
			}
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if at < len(src) {
		return &codec.FormatError{Offset: int64(at), Err: errRest}
	}
	return nil
}
