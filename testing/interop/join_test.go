package interop_test

import (
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Options that were given stay, and belong to who gave them.
func TestRestless(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given         *zmq.Options
		interval, max time.Duration
	}{
		"nothing":  {nil, 10 * time.Millisecond, 50 * time.Millisecond},
		"zero":     {&zmq.Options{SendHWM: 7}, 10 * time.Millisecond, 50 * time.Millisecond},
		"interval": {&zmq.Options{SendHWM: 7, ReconnectInterval: time.Millisecond}, time.Millisecond, 50 * time.Millisecond},
		"long":     {&zmq.Options{SendHWM: 7, ReconnectInterval: time.Second}, time.Second, time.Second},
		"max":      {&zmq.Options{SendHWM: 7, ReconnectMax: time.Second}, 10 * time.Millisecond, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before zmq.Options
			if tc.given != nil {
				before = *tc.given
			}
			got := interop.Restless(tc.given)
			if got.ReconnectInterval != tc.interval || got.ReconnectMax != tc.max || got.SendHWM != before.SendHWM {
				t.Errorf("%v and %v, HWM %d", got.ReconnectInterval, got.ReconnectMax, got.SendHWM)
			}
			if tc.given != nil && (tc.given.ReconnectInterval != before.ReconnectInterval || tc.given.ReconnectMax != before.ReconnectMax) {
				t.Errorf("the options have become %+v", *tc.given)
			}
		})
	}
}
