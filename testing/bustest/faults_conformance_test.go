package bustest_test

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

// A transport with faults is a transport: what a plan without losses changes is when something comes.
func TestFaultsAreATransport(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]bustest.Plan{
		"without a plan": {},
		"delay":          {Delay: 3 * time.Millisecond},
		"read":           {Read: 10 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transporttest.Run(t, bustest.NewFaults(t, plan).Network(bustest.Memory()), transporttest.Capabilities{
				Order: true, Acknowledgement: true, Groups: true, Durability: true, Requests: true, Tasks: true,
			})
		})
	}
}
