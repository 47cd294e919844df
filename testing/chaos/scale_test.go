//go:build !stress

package chaos_test

import "time"

const (
	stormFor  = 3 * time.Second
	killEvery = 200 * time.Millisecond

	chaosTasks      = 20_000
	killWorkerEvery = 300 * time.Millisecond
)
