package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPullGivesBack ends a worker after some of the tasks: another one gets the others.
func TestPullGivesBack(t *testing.T) {
	t.Parallel()
	push := startWith(t, "1\n2\n3\n4\n5\n6\n7\n8\n", "push", "--bind", anyPort, "numbers")
	first := start(t, "pull", "--connect", push.endpoint(), "--count", "3", "numbers")
	first.exits(exitDone)
	second := start(t, "pull", "--connect", push.endpoint(), "--count", "5", "numbers")
	second.exits(exitDone)
	push.exits(exitDone)
	got := slices.Concat(payloadsOf(first.stdout, 3), payloadsOf(second.stdout, 5))
	if want := []string{"1", "2", "3", "4", "5", "6", "7", "8"}; !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q", got, want)
	}
	if strings.Contains(second.stdout.String(), "attempt") {
		t.Errorf("what was given back counts as an attempt:\n%s", second.stdout)
	}
}

func TestPullTimeout(t *testing.T) {
	t.Parallel()
	t.Run("with count", func(t *testing.T) {
		t.Parallel()
		i := start(t, "pull", "--connect", absent(t), "--count", "2", "--timeout", "50ms", "a")
		i.exits(exitTimeout)
		i.stderr.line("fanfare pull: timeout after 50ms: 0 of 2 tasks; no producer is connected")
	})
	t.Run("without count", func(t *testing.T) {
		t.Parallel()
		start(t, "pull", "--bind", anyPort, "--timeout", "50ms", "a").exits(exitDone)
	})
	t.Run("during a command", func(t *testing.T) {
		t.Parallel()
		push := start(t, "push", "--bind", anyPort, "a", "b")
		pull := start(t, "pull", "--connect", push.endpoint(), "--timeout", "1s", "--exec", "exec sleep 1000", "a")
		pull.exits(exitTimeout)
		start(t, "pull", "--connect", push.endpoint(), "--count", "1", "a").exits(exitDone)
		push.exits(exitDone)
	})
}

func TestExec(t *testing.T) {
	t.Parallel()
	const script = `printf '[%s] ' "$FANFARE_NAME"; tr a-z A-Z; echo`
	for name, tc := range map[string]struct {
		words []string
		want  string
	}{
		"by name": {[]string{"chores"}, "[chores] WASH\n[chores] MOW\n"},
		"plain":   {[]string{"--plain"}, "[] WASH\n[] MOW\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			push := startWith(t, "wash\nmow\n", append([]string{"push", "--bind", anyPort}, tc.words...)...)
			pull := start(t, append([]string{"pull", "--connect", push.endpoint(), "--count", "2", "--exec", script}, tc.words...)...)
			push.exits(exitDone)
			pull.exits(exitDone)
			if got := pull.stdout.String(); got != tc.want {
				t.Errorf("printed %q, want %q", got, tc.want)
			}
		})
	}
}

// TestExecFails has a command fail at its first run: the task must come again, and count once.
func TestExecFails(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "failed")
	push := start(t, "push", "--bind", anyPort, "a", "b")
	pull := start(t, "pull", "--connect", push.endpoint(), "--count", "1", "--exec",
		"test -e "+marker+" && echo done && exit; touch "+marker+"; echo 'not yet' >&2; exit 4", "a")
	push.exits(exitDone)
	pull.exits(exitDone)
	if got := pull.stdout.String(); got != "done\n" {
		t.Errorf("printed %q", got)
	}
	if line := pull.stderr.line("task failed"); !strings.Contains(line, `error="exit status 4: not yet"`) {
		t.Errorf("stderr says %q", line)
	}
	if line := push.stderr.line(" sent "); !strings.Contains(line, "redelivered=1") {
		t.Errorf("stderr of push says %q", line)
	}
}

// TestPullIsKilled kills a worker that has begun with a task: another one does it.
func TestPullIsKilled(t *testing.T) {
	t.Parallel()
	push := start(t, "push", "--bind", anyPort, "a", "b")
	killed, _ := process(t, "pull", "--connect", push.endpoint(), "--exec", "kill -KILL $PPID", "a")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	pull := start(t, "pull", "--connect", push.endpoint(), "--count", "1", "a")
	push.exits(exitDone)
	pull.exits(exitDone)
	r := pull.stdout.records(1)[0]
	headers, _ := r["headers"].(map[string]any)
	if r["payload"] != "b" || r["attempt"] != 2.0 || headers["attempt"] != nil {
		t.Errorf("printed %v", r)
	}
}

// TestPullOfClosedPipe reads one line and closes the pipe, as head does: no task is lost by that.
func TestPullOfClosedPipe(t *testing.T) {
	t.Parallel()
	const tasks = 3000
	push := startWith(t, strings.Repeat("x\n", tasks), "push", "--bind", anyPort, "a")
	pull, stderr := process(t, "pull", "--quiet", "--connect", push.endpoint(), "a")
	stdout, err := pull.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := pull.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	_ = stdout.Close()
	if err := pull.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0; stderr %q", err, stderr)
	}
	rest := start(t, "pull", "--connect", push.endpoint(), "a")
	push.exits(exitDone)
	rest.interrupt()
	rest.exits(exitDone)
	if rest.stdout.String() == "" {
		t.Error("nothing was left to do")
	}
}

// TestSignalsOfPull checks that the first signal has the command finish the task that it has begun, and the second one kill it.
func TestSignalsOfPull(t *testing.T) {
	t.Parallel()
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		held := fifo(t)
		push := startWith(t, "1\n2\n", "push", "--bind", anyPort, "a")
		pull, _ := beginAndSignal(t, "pull", "--connect", push.endpoint(), "--exec", "echo begun >&2; cat "+held, "a")
		if err := os.WriteFile(held, []byte("finished"), 0); err != nil {
			t.Fatal(err)
		}
		if err := pull.Wait(); err != nil {
			t.Errorf("ended with %v, want exit code 0", err)
		}
		next := start(t, "pull", "--connect", push.endpoint(), "--count", "1", "a")
		push.exits(exitDone)
		next.exits(exitDone)
		if got := payloadsOf(next.stdout, 1); got[0] != "2" {
			t.Errorf("the next worker got %q", got)
		}
	})
	t.Run("two", func(t *testing.T) {
		t.Parallel()
		held := fifo(t)
		push := start(t, "push", "--bind", anyPort, "a", "b")
		pull, stderr := beginAndSignal(t, "pull", "--connect", push.endpoint(), "--exec", "echo begun >&2; sleep 1000 >"+held+" | cat", "a")
		killBySecondSignal(t, pull, held)
		stderr.line("fanfare pull: interrupted: ")
		next := start(t, "pull", "--connect", push.endpoint(), "--count", "1", "a")
		push.exits(exitDone)
		next.exits(exitDone)
	})
}
