package interop

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Process is a program that a test talks to by lines: it writes to the program's standard input and reads its standard output. It is a
// handle that outlives the program: [Process.Restart] runs the same one again.
//
// Methods that wait do so until it happens, the program ends, or 30 s have passed; then they fail the test, with how the program has ended,
// the last lines of its output and what it has written to standard error. They are for the test's goroutine. Tell, CloseInput, Signal,
// Kill, PID, Output and Stderr may be called concurrently.
type Process struct {
	t        testing.TB
	name     string
	command  exec.Cmd // never started: what each start has
	fixed    []string // the first of its arguments, which Restart leaves
	patience time.Duration
	life     atomic.Pointer[life]
	told     atomic.Bool // a failure has told all there is to tell
}

// Start starts the command, whose standard streams must not be set. Its standard input has what Tell writes, and stays open until the
// test's process ends, however that comes about: a program that reads it can end then as well; on Linux others are killed then.
//
// The process is killed at the end of the test at the latest. If the test has failed, its log has what Stderr returns. Processes that the
// command starts are its own: only one process is ended, by its id. For the same reason a command of [exec.CommandContext] is refused.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	return start(t, filepath.Base(cmd.Path), cmd, 1)
}

// start starts a command whose first arguments stay the same when it is started again.
func start(t testing.TB, name string, cmd *exec.Cmd, fixed int) *Process {
	t.Helper()
	if cmd.Stdin != nil || cmd.Stdout != nil || cmd.Stderr != nil || cmd.Cancel != nil {
		t.Fatalf("starting %s: its standard streams and its end are those of a Process, and of nothing else", name)
	}
	p := &Process{t: t, name: name, fixed: slices.Clone(cmd.Args[:fixed]), patience: Patience, command: exec.Cmd{
		Path: cmd.Path, Env: slices.Clone(cmd.Env), Dir: cmd.Dir, ExtraFiles: slices.Clone(cmd.ExtraFiles),
		SysProcAttr: mortal(cmd.SysProcAttr), Err: cmd.Err,
	}}
	p.begin(cmd.Args[fixed:])
	t.Cleanup(func() {
		p.CloseInput()
		p.Kill()
		if t.Failed() && !p.told.Load() {
			t.Logf("%s", p.account())
		}
	})
	return p
}

// begin begins a life.
func (p *Process) begin(args []string) {
	p.t.Helper()
	p.command.Args = slices.Concat(p.fixed, args)
	again := p.command
	l, err := begin(&again)
	if err != nil {
		p.t.Fatalf("starting %s: %v", p.name, err)
	}
	p.life.Store(l)
}

// Restart runs the same command again after its end, as a new process: with other arguments if there are some, such as the endpoint that
// the first one has bound. It waits for nothing, so Ready comes next. Lines that were not read are forgotten, Output and Stderr begin anew.
func (p *Process) Restart(args ...string) {
	p.t.Helper()
	if !p.life.Load().over() {
		p.fatalf("%s cannot be started again before it has ended: Kill, Terminate and Wait wait for that", p.name)
	}
	if len(args) == 0 {
		args = p.command.Args[len(p.fixed):]
	}
	p.begin(args)
}

// Tell writes a line to the program's standard input. That of a program which has ended goes nowhere.
func (p *Process) Tell(line string) { _, _ = io.WriteString(p.life.Load().stdin, line+"\n") }

// CloseInput ends the program's standard input, which has many programs end. It may be called again.
func (p *Process) CloseInput() { _ = p.life.Load().stdin.Close() }

// Wait waits for the end of the program by itself, and returns how that was: nil after exit status 0, an [*exec.ExitError] after another
// one or a signal, and [exec.ErrWaitDelay] if other processes that it has started still hold its output two seconds later. The program does
// not wait for its reader any more: of what it prints the last is kept, see Output.
func (p *Process) Wait() error {
	p.t.Helper()
	l := p.life.Load()
	if !l.ends(p.patience) {
		p.fatalf("%s does not end: it was waited for %v", p.name, p.patience)
	}
	return l.err
}

// Kill ends the program with SIGKILL, as a crash would, and waits for its end. It may be called again. Lines that it has printed before can
// be read after that.
func (p *Process) Kill() {
	p.t.Helper()
	l := p.life.Load()
	_ = l.cmd.Process.Kill() // it may have ended by itself
	if !l.ends(Patience) {
		p.t.Errorf("%s lives on %v after it was killed", p.name, Patience)
	}
}

// Terminate asks the program to end, with SIGTERM, and is Wait then. It may be called again.
func (p *Process) Terminate() error {
	p.t.Helper()
	_ = p.life.Load().cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	return p.Wait()
}

// Signal sends a signal to the program. It returns [os.ErrProcessDone] if that has ended.
func (p *Process) Signal(signal os.Signal) error { return p.life.Load().cmd.Process.Signal(signal) }

// PID returns the id of the process, which is another one after Restart.
func (p *Process) PID() int { return p.life.Load().cmd.Process.Pid }

// Output returns the lines of standard output so far, whether Line has returned them or not: the last 100,000 at most, and 16 MiB of them.
// There were so many before. All that a program has printed is there after Kill, Terminate and Wait. The slice is the caller's.
func (p *Process) Output() (lines []string, before int) { return p.life.Load().stdout.kept() }

// Stderr returns what the program has written to standard error so far: the last 64 KiB at most, after "(n bytes before)". It is complete
// after Kill, Terminate and Wait.
func (p *Process) Stderr() string { return p.life.Load().stderr.String() }
