//go:build !stress

package network_test

const (
	cutFor       = 0 // as long as the events take that are to be lost
	floodSeconds = 2
	floodLeast   = 0 // events a second: the machine may have other work
)
