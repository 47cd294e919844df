package bustest_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, n := range []transporttest.Network{bustest.Memory(), bustest.Inproc(), bustest.IPC(), bustest.TCP()} {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			open := n.Open(t)
			for range 3 {
				tr := open()
				defer tr.Close()
			}
		})
	}
}
