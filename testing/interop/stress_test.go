//go:build stress

package interop_test

import (
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// A message of 100 MiB goes both ways (it takes a gigabyte of memory), in one frame and in several.
func TestHuge(t *testing.T) {
	t.Parallel()
	const size = 100 << 20
	for _, p := range pairings {
		if p.role != asks {
			continue
		}
		for _, weBind := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/bind=%t", p.name(), weBind), func(t *testing.T) {
				s := p.ours(t, &socket.Options{MaxMessageSize: size + 1024})
				huge := [][]any{{size}, {"", size / 2, size / 2}}
				python := p.meet(t, s, p.spec(huge), weBind, interop.AnyPort)
				p.exchange(t, s, python, huge, false)
			})
		}
	}
}
