//go:build !unix

package main

import "os/exec"

// apart does nothing where there are no process groups: the end of the command is that of its own process.
func apart(*exec.Cmd) {}
