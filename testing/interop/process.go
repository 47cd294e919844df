package interop

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// patience bounds every wait for a process.
	patience = 30 * time.Second
	// longestLine is the longest line that a process may print, in bytes.
	longestLine = 8 << 20
)

// Process is a program that a test talks to through its standard output. Its methods fail the test when the program does not do what they
// wait for; they are for the test's goroutine.
type Process struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr bytes.Buffer
	lines  chan string   // closed when the program has ended
	silent chan struct{} // closed when nobody wants lines any more
	hush   sync.Once
	ended  chan struct{}
}

// Start starts the command. Its standard input has what Tell writes, and stays open until the test's process ends, however that comes
// about: a program that reads it can end then as well.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, name: cmd.Args[0], cmd: cmd, lines: make(chan string, 1024), silent: make(chan struct{}), ended: make(chan struct{})}
	cmd.Stderr = &p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stdout)
	t.Cleanup(func() {
		_ = p.stdin.Close()
		p.Kill()
		if t.Failed() {
			t.Logf("%s, standard error:\n%s", p.name, p.stderr.Bytes())
		}
	})
	return p
}

// read passes lines on until the program ends. Its owner is whoever waits for ended.
func (p *Process) read(stdout io.Reader) {
	defer close(p.ended)
	defer close(p.lines)
	scanner := bufio.NewScanner(stdout)
	scanner.Buffer(nil, longestLine)
	for scanner.Scan() {
		select {
		case p.lines <- scanner.Text():
		case <-p.silent:
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // after a line that is too long
	_ = p.cmd.Wait()                   // how it ended is the test's business
}

// Tell writes a line to the program's standard input. That of a program which has ended goes nowhere.
func (p *Process) Tell(line string) { _, _ = io.WriteString(p.stdin, line+"\n") }

// Line waits for the next line of standard output.
func (p *Process) Line() string {
	p.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case line, ok := <-p.lines:
		if !ok {
			p.t.Fatalf("%s has ended", p.name)
		}
		return line
	case <-timeout.C:
		p.t.Fatalf("%s says nothing", p.name)
	}
	return ""
}

// Ready waits for the first line, which begins with "ready", and returns the words after that: the endpoints that were bound.
func (p *Process) Ready() []string {
	p.t.Helper()
	words := strings.Fields(p.Line())
	if len(words) == 0 || words[0] != "ready" {
		p.t.Fatalf("%s said %q instead of ready", p.name, words)
	}
	return words[1:]
}

// Kill ends the program with SIGKILL, as a crash would, and waits for its end. It may be called again.
func (p *Process) Kill() { p.end(os.Kill) }

// Terminate ends the program with SIGTERM and waits for its end.
func (p *Process) Terminate() { p.end(syscall.SIGTERM) }

func (p *Process) end(signal os.Signal) {
	p.hush.Do(func() { close(p.silent) })
	_ = p.cmd.Process.Signal(signal) // it may have ended by itself
	<-p.ended
}
