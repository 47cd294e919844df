//go:build stress

package chaos_test

import "time"

const (
	stormFor  = time.Minute
	killEvery = time.Second
)
