//go:build stress

package chaos_test

import "time"

const (
	stormFor  = time.Minute
	killEvery = time.Second

	chaosTasks      = 100_000
	killWorkerEvery = time.Second
)
