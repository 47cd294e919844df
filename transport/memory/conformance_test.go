package memory_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

// The driver keeps the contract of package transport.
func TestConformance(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, bustest.Memory(), transporttest.Capabilities{
		Order: true, Acknowledgement: true, Groups: true, Durability: true, Requests: true, Tasks: true,
	})
}
