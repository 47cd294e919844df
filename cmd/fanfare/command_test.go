package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandFails(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*maxTail)
	for name, tc := range map[string]struct{ text, want string }{
		"silently":      {"exit 7", "exit status 7"},
		"with a line":   {"echo why >&2; exit 1", "exit status 1: why"},
		"with two":      {"echo first >&2; printf 'last\n\n' >&2; exit 1", "exit status 1: last"},
		"with a long":   {"echo " + long + " >&2; exit 1", "exit status 1: " + long[:maxTail-1]},
		"with bytes":    {`printf 'a\377' >&2; exit 1`, "exit status 1: a\uFFFD"},
		"by a signal":   {"kill -TERM $$", "signal: terminated"},
		"not found":     {"/does/not/exist", "exit status 127: "},
		"after writing": {"echo much; exit 2", "exit status 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stderr := newOutput(t)
			err := (&command{text: tc.text, err: stderr}).run(context.Background(), nil, io.Discard)
			failed, ok := errors.AsType[*commandError](err)
			if !ok || !strings.HasPrefix(failed.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if !strings.HasSuffix(strings.TrimSpace(stderr.String()), failed.line) && name != "with bytes" {
				t.Errorf("passed on %q, but the last line is %q", stderr, failed.line)
			}
		})
	}
}

// TestCommandLeavesItsInput gives a command more than a pipe holds, of which it reads nothing.
func TestCommandLeavesItsInput(t *testing.T) {
	t.Parallel()
	got, err := (&command{text: "echo enough", err: io.Discard}).output(context.Background(), make([]byte, 1<<20))
	if string(got) != "enough\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCommandWritesTooMuch(t *testing.T) {
	t.Parallel()
	got, err := (&command{text: "yes", err: io.Discard}).output(context.Background(), nil)
	if _, ok := errors.AsType[*tooLong](err); !ok || got != nil {
		t.Errorf("got %d bytes, %v, want a *tooLong", len(got), err)
	}
}

// TestCommandLeavesSomethingBehind ends a command while something in the background has its stdout.
func TestCommandLeavesSomethingBehind(t *testing.T) {
	t.Parallel()
	held := fifo(t)
	_, err := (&command{text: "cat " + held + " & echo begun", err: io.Discard}).output(context.Background(), nil)
	if failed, ok := errors.AsType[*commandError](err); !ok || errors.Is(err, exec.ErrWaitDelay) || !strings.Contains(failed.Error(), "in the background") {
		t.Errorf("got %v", err)
	}
	w, err := os.OpenFile(held, os.O_WRONLY, 0) // cat ends with it
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
}

// TestCommandIsKilled ends the context of a command: all that it has started must end.
func TestCommandIsKilled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	held := fifo(t)
	stderr := newOutput(t)
	ended := make(chan error, 1)
	go func() {
		ended <- (&command{text: "sleep 1000 >" + held + " | cat; echo never", err: stderr}).run(ctx, nil, io.Discard)
	}()
	r, err := os.Open(held) // waits for the sleep to be started
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want %v", err, context.Canceled)
	}
	if _, err := io.ReadAll(r); err != nil { // until the sleep has ended
		t.Error(err)
	}
}

// TestCommandHasItsOwnSignals checks that what this program does with a signal is not handed down.
func TestCommandHasItsOwnSignals(t *testing.T) {
	t.Parallel()
	reply, stderr := process(t, "reply", "--bind", anyPort, "--command", "(yes; echo $? >&2) | head -1; cat", "a")
	if err := reply.Start(); err != nil {
		t.Fatal(err)
	}
	start(t, "req", "--connect", endpointIn(stderr), "a", "b").exits(exitDone)
	stderr.line("141") // by SIGPIPE, not by an error of its write
	if err := reply.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := reply.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0", err)
	}
}

// fifo returns the path of a new named pipe.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v\n%s", err, out)
	}
	return path
}
