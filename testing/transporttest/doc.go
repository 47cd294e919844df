// Package transporttest checks transports, for those who write one.
package transporttest
