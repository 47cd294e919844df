//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// apart gives the command a process group of its own: a signal from the terminal does not reach it, and its end is that of the group.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
