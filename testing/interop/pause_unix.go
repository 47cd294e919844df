//go:build unix

package interop

import "syscall"

// Pause stops the program without ending it, by SIGSTOP, as a machine does that is overloaded, and waits until no thread of it runs any
// more. Its connections stay. It is for the test's goroutine, and exists on Unix only.
func (p *Process) Pause() {
	p.t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		p.fatalf("%s was not stopped: %v", p.name, err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.PID(), &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		p.fatalf("%s has not stopped: %v, status %#x", p.name, err, status)
	}
}

// Resume has the program go on after Pause.
func (p *Process) Resume() {
	p.t.Helper()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		p.fatalf("%s does not go on: %v", p.name, err)
	}
}
