// Package chaos holds the tests of what requests and pipelines promise when processes die: real ones, with SIGKILL, before, while and
// after they do what they were asked for.
package chaos
