//go:build stress

package network_test

import "time"

const (
	cutFor       = 5 * time.Second
	floodSeconds = 30
	floodLeast   = 100_000
)
