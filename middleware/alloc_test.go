package middleware_test

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/topic"
)

// TestNoAllocations is not parallel, as allocations of other tests would count.
func TestNoAllocations(t *testing.T) {
	for name, m := range map[string]bus.Middleware{
		"filter":          middleware.Filter(wantSeven),
		"validate":        middleware.Validate(func(context.Context, *bus.Message) error { return nil }),
		"throttle":        middleware.Throttle(1e12, 1000),
		"throttle by key": middleware.ThrottleByKey(1e12, 1000, nil),
		"bulkhead":        middleware.Bulkhead(1, nil),
		"fault":           middleware.Fault(nil),
		"upcast":          middleware.Upcast(&middleware.UpcastOptions{Current: 2}),
	} {
		t.Run(name, func(t *testing.T) {
			about := topic.Metadata{ID: "7", Headers: map[string]string{"schema-version": "2"}}
			if n := allocations(t, message(about), nil, m); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
