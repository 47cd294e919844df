package fault

import (
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
)

// pause waits for d, and reports false if one of the channels was closed before.
func pause(d time.Duration, ended, done <-chan struct{}) bool {
	if d <= 0 {
		return !change.Closed(ended)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ended:
	case <-done:
	}
	return false
}
