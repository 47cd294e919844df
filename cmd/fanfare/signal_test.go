package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestSignals runs the command as a process: after a signal it prints what it has received, and exits with 0.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sub := launch(t, []string{asCommand + "=1"}, os.Args[0], "sub", "--bind", anyPort, "--raw")
			_, endpoint, _ := strings.Cut(sub.stderr.line("listening"), "endpoint=")
			start(t, "pub", "--connect", endpoint, "--count", "100", "clock", "tick").exits(exitDone)
			sub.stdout.lines(1)
			if err := sub.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			<-sub.ended
			if code := sub.cmd.ProcessState.ExitCode(); code != exitDone {
				t.Errorf("exit code %d (%v), want 0", code, sub.cmd.ProcessState)
			}
			if rest := strings.ReplaceAll(sub.stdout.String(), "tick\n", ""); rest != "" {
				t.Errorf("printed %q among whole lines", rest)
			}
		})
	}
}

// TestBrokenPipe reads one line and closes the pipe, as head does.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	pub := start(t, "pub", "--bind", anyPort, "--count", "1000000000", "--interval", "1ms", "clock", "tick")
	sub := exec.Command(os.Args[0], "sub", "--quiet", "--raw", "--connect", pub.endpoint())
	sub.Env = append(os.Environ(), asCommand+"=1")
	complaints := newOutput(t)
	sub.Stderr = complaints
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
	if complaints.String() != "" {
		t.Errorf("stderr is %q, want nothing", complaints)
	}
}
