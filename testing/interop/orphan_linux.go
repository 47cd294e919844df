package interop

import "syscall"

// mortal has a process end with the test's process, also when that is killed or times out: it need not read its standard input for that.
func mortal(given *syscall.SysProcAttr) *syscall.SysProcAttr {
	var attr syscall.SysProcAttr
	if given != nil {
		attr = *given
	}
	if attr.Pdeathsig == 0 {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return &attr
}
