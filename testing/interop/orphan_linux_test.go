package interop_test

import (
	"os/exec"
	"syscall"
)

// endWithUs has a program that does not read its standard input end with the test's process, also when that is killed or times out.
func endWithUs(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
