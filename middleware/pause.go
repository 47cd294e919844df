package middleware

import (
	"context"
	"time"
)

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
