//go:build !linux

package interop

import "syscall"

// mortal changes nothing: here a process ends with its test, but may outlive a test's process that is killed if it does not read its
// standard input.
func mortal(given *syscall.SysProcAttr) *syscall.SysProcAttr { return given }
