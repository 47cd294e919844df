package middleware

import (
	"cmp"
	"context"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// maxWait is the longest wait that can be asked for: twice that, as jitter makes it, is far from the end of a time.Duration.
const maxWait = 8760 * time.Hour

// pause waits for d, or until ctx ends: then it returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// growing checks the fields Initial and Max of options, between which waits grow, and returns them with the defaults filled in.
func growing(options string, initial, most time.Duration) (time.Duration, time.Duration, error) {
	for _, check := range []struct {
		ok    bool
		field string
		value time.Duration
		limit string
	}{
		{initial >= 0 && initial <= maxWait, "Initial", initial, "0 to 8760h"},
		{most >= 0 && most <= maxWait, "Max", most, "0 to 8760h"},
		{most == 0 || initial <= most, "Initial", initial, "at most Max, which is " + most.String()},
	} {
		if !check.ok {
			return 0, 0, &bus.OptionError{Field: options + "." + check.field, Value: check.value, Limit: check.limit}
		}
	}
	if initial == 0 {
		initial = min(100*time.Millisecond, cmp.Or(most, maxWait))
	}
	return initial, cmp.Or(most, max(10*time.Second, initial)), nil
}
