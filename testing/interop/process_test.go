package interop_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
)

// sh starts a program of the shell. What begins is "sh" in failures, and the arguments are $1 and so on.
func sh(t testing.TB, program string, args ...string) *interop.Process {
	t.Helper()
	return interop.Start(t, exec.Command("/bin/sh", append([]string{"-c", program, "sh"}, args...)...))
}

// ended is how a signal leaves a program.
func ended(err error, by syscall.Signal) bool {
	failed, ok := errors.AsType[*exec.ExitError](err)
	return ok && failed.Sys().(syscall.WaitStatus).Signal() == by
}

// A program ends when it is told to, at any time, and however much it has to say. What it has said before is not lost.
func TestProcess(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end func(*interop.Process) error
		by  syscall.Signal
	}{
		"kill":      {func(p *interop.Process) error { p.Kill(); return p.Wait() }, syscall.SIGKILL},
		"terminate": {(*interop.Process).Terminate, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sh(t, "echo ready one two; echo line; exec yes")
			if words := p.Ready(); !slices.Equal(words, []string{"one", "two"}) {
				t.Errorf("%q", words)
			}
			says := func(want string) {
				t.Helper()
				if line := p.Line(); line != want {
					t.Errorf("%q, want %q", line, want)
				}
			}
			says("line")
			says("y")
			for range 2 {
				if err := tc.end(p); !ended(err, tc.by) {
					t.Errorf("%v", err)
				}
			}
			says("y")
			if lines, before := p.Output(); before != 0 || !slices.Equal(lines[:3], []string{"ready one two", "line", "y"}) {
				t.Errorf("%q after %d", lines, before)
			}
		})
	}
}

func TestProcessIsTold(t *testing.T) {
	t.Parallel()
	p := sh(t, "while read line; do echo heard $line; done; echo nothing >&2; exit 4")
	for _, line := range []string{"one", "two"} {
		p.Tell(line)
		if got := p.Line(); got != "heard "+line {
			t.Errorf("%q", got)
		}
	}
	p.CloseInput()
	p.CloseInput()
	if failed, ok := errors.AsType[*exec.ExitError](p.Wait()); !ok || failed.ExitCode() != 4 {
		t.Errorf("%v", p.Wait())
	}
	if got := p.Stderr(); got != "nothing\n" {
		t.Errorf("%q", got)
	}
	p.Tell("three")
	if err := p.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("%v", err)
	}
}

// Find skips lines.
func TestFind(t *testing.T) {
	t.Parallel()
	p := sh(t, "echo one; echo two; echo three")
	if line := p.Find("t", func(line string) bool { return strings.HasPrefix(line, "t") }); line != "two" {
		t.Errorf("%q", line)
	}
	if line := p.Line(); line != "three" {
		t.Errorf("%q", line)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// A program that has ended is started again as it was, or with other arguments, however it has ended.
func TestRestart(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/sh", "-c", `echo ready $1 $NAME; pwd; pwd >&2; read line; echo $line`, "sh", "first")
	cmd.Env, cmd.Dir = append(os.Environ(), "NAME=ours"), "/"
	for name, restart := range map[string]struct {
		args []string
		want string
	}{"as it was": {nil, "[first ours]"}, "other arguments": {[]string{"-c", "echo ready again; pwd; pwd >&2; read line; echo $line"}, "[again]"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := interop.Start(t, cmd)
			want := "[first ours]"
			var pids []int
			for range 3 {
				if got := fmt.Sprint(p.Ready()); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				p.Tell("go on")
				if err := p.Wait(); err != nil {
					t.Error(err)
				}
				if lines, _ := p.Output(); len(lines) != 3 || lines[1] != "/" || lines[2] != "go on" || p.Stderr() != "/\n" {
					t.Errorf("%q, %q", lines, p.Stderr())
				}
				if pids = append(pids, p.PID()); slices.Contains(pids[:len(pids)-1], p.PID()) {
					t.Errorf("%d", pids)
				}
				p.Restart(restart.args...)
				want = restart.want
			}
			p.Kill()
			p.Restart()
			if got := fmt.Sprint(p.Ready()); got != want {
				t.Errorf("after it was killed %s, want %s", got, want)
			}
		})
	}
}

// The last of much output is kept, and the rest is counted.
func TestMuchOutput(t *testing.T) {
	t.Parallel()
	const n, kept = 150_000, 100_000
	p := sh(t, fmt.Sprintf("seq 1 %d; seq 1 %d >&2", n, n))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	lines, before := p.Output()
	if len(lines) != kept || before != n-kept || lines[0] != fmt.Sprint(n-kept+1) || lines[kept-1] != fmt.Sprint(n) {
		t.Errorf("%d lines after %d", len(lines), before)
	}
	if got, last := p.Stderr(), fmt.Sprint("\n", n, "\n"); !strings.HasSuffix(got, last) || !strings.HasPrefix(got, "(") || len(got) > 65<<10 {
		t.Errorf("%.50q, %d bytes", got, len(got))
	}
}

// All that a program prints is read in turn, however far it is ahead, also after its end.
func TestEveryLine(t *testing.T) {
	t.Parallel()
	const n = 20_000
	p := sh(t, fmt.Sprintf("seq 1 %d", n))
	for i := range n {
		if got, want := p.Line(), fmt.Sprint(i+1); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}

// The end of a program is known though another one, which it has started, holds its output.
func TestLeftover(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]string{
		"both":   "echo ready; cat <&3 &",
		"stdout": "echo ready; cat <&3 2>/dev/null &",
		"stderr": "echo ready; cat <&3 >/dev/null &",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = w.Close() }) // ends the cat
			cmd := exec.Command("/bin/sh", "-c", program)
			cmd.ExtraFiles = []*os.File{r}
			p := interop.Start(t, cmd)
			_ = r.Close()
			p.Ready()
			if err := p.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
				t.Errorf("%v", err)
			}
		})
	}
}
