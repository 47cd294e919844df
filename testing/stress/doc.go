// Package stress puts all features of the bus under load at once, in real time and over real sockets, and holds the counters against what
// has happened. "go test" does so for two seconds, "make stress" for ten minutes: see FANFARE_STRESS.
package stress
