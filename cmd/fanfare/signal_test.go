package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// process returns the command as a process of its own, to be started.
func process(t *testing.T, args ...string) (command *exec.Cmd, stderr *output) {
	t.Helper()
	command = exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), asCommand+"=1")
	stderr = newOutput(t)
	command.Stderr = stderr
	t.Cleanup(func() {
		if t.Failed() && command.Process != nil {
			_ = command.Process.Kill() // it may have ended
		}
	})
	return command, stderr
}

// TestSignals checks that the command prints what it has received, and exits with 0.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sub, stderr := process(t, "sub", "--bind", anyPort, "--raw")
			stdout := newOutput(t)
			sub.Stdout = stdout
			if err := sub.Start(); err != nil {
				t.Fatal(err)
			}
			start(t, "pub", "--connect", endpointIn(stderr), "--count", "100", "clock", "tick").exits(exitDone)
			stdout.lines(1)
			if err := sub.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := sub.Wait(); err != nil {
				t.Errorf("ended with %v, want exit code 0", err)
			}
			if rest := strings.ReplaceAll(stdout.String(), "tick\n", ""); rest != "" {
				t.Errorf("printed %q among whole lines", rest)
			}
		})
	}
}

// TestBrokenPipe reads one line and closes the pipe, as head does.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	pub := start(t, "pub", "--bind", anyPort, "--count", "1000000000", "--interval", "1ms", "clock", "tick")
	sub, stderr := process(t, "sub", "--quiet", "--raw", "--connect", pub.endpoint())
	stdout, err := sub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("tick\n"))); err != nil {
		t.Error(err)
	}
	_ = stdout.Close()
	if err := sub.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0", err)
	}
	if stderr.String() != "" {
		t.Errorf("stderr is %q, want nothing", stderr)
	}
}

// beginAndSignal starts the command as a process, and sends it a signal when the command that it runs has written "begun" to stderr.
func beginAndSignal(t *testing.T, args ...string) (command *exec.Cmd, stderr *output) {
	t.Helper()
	command, stderr = process(t, args...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.line("begun")
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stderr.line("another signal ends it at once")
	return command, stderr
}

// killBySecondSignal sends a command another signal, which must end it, and what it runs: that holds a named pipe.
func killBySecondSignal(t *testing.T, command *exec.Cmd, held string) {
	t.Helper()
	r, err := os.Open(held)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); command.ProcessState.ExitCode() != exitFailed {
		t.Errorf("ended with %v, want exit code %d", err, exitFailed)
	}
	if _, err := io.ReadAll(r); err != nil { // until it has ended
		t.Error(err)
	}
}

// TestSignalsOfReply checks that the first signal has the command finish what it has begun, and the second one kill it.
func TestSignalsOfReply(t *testing.T) {
	t.Parallel()
	// The client binds, so that it can be there first.
	begin := func(t *testing.T, script string) (reply *exec.Cmd, stderr *output, req *invocation) {
		t.Helper()
		req = start(t, "req", "--bind", anyPort, "--timeout", "0", "--attempts", "1", "a", "")
		reply, stderr = beginAndSignal(t, "reply", "--connect", req.endpoint(), "--command", "echo begun >&2; "+script, "a")
		return reply, stderr, req
	}
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		held := fifo(t)
		reply, _, req := begin(t, "cat "+held)
		if err := os.WriteFile(held, []byte("finished"), 0); err != nil {
			t.Fatal(err)
		}
		req.exits(exitDone)
		if got := req.stdout.String(); got != "finished\n" {
			t.Errorf("printed %q", got)
		}
		if err := reply.Wait(); err != nil {
			t.Errorf("ended with %v, want exit code 0", err)
		}
	})
	t.Run("two", func(t *testing.T) {
		t.Parallel()
		held := fifo(t)
		reply, stderr, req := begin(t, "sleep 1000 >"+held+" | cat")
		killBySecondSignal(t, reply, held)
		stderr.line("fanfare reply: interrupted: ")
		req.exits(exitTimeout)
	})
}
