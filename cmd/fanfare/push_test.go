package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
)

// payloadsOf returns the payloads of n lines of JSON, in their order.
func payloadsOf(o *output, n int) (payloads []string) {
	o.t.Helper()
	for _, r := range o.records(n) {
		payload, _ := r["payload"].(string)
		payloads = append(payloads, payload)
	}
	return payloads
}

func TestPushAndPull(t *testing.T) {
	t.Parallel()
	want := []string{"wash", "", "mow"}
	check := func(t *testing.T, push, pull *invocation) {
		t.Helper()
		push.exits(exitDone)
		pull.exits(exitDone)
		if got := payloadsOf(pull.stdout, 3); !slices.Equal(got, want) {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
	for name, words := range map[string][]string{"by name": {"chores"}, "plain": {"--plain"}} {
		for _, tc := range []struct {
			name      string
			pushFirst bool
			pushBinds bool
		}{{"push binds", true, true}, {"pull binds", false, false}, {"push connects first", true, false}, {"pull connects first", false, true}} {
			t.Run(name+", "+tc.name, func(t *testing.T) {
				t.Parallel()
				endpoint := absent(t)
				ours, theirs := "--connect", "--bind"
				if tc.pushBinds {
					ours, theirs = theirs, ours
				}
				var push, pull *invocation
				startPush := func() { push = startWith(t, "wash\n\nmow", append([]string{"push", ours, endpoint}, words...)...) }
				if tc.pushFirst {
					startPush()
				}
				pull = start(t, append([]string{"pull", theirs, endpoint, "--count", "3"}, words...)...)
				if !tc.pushFirst {
					startPush()
				}
				check(t, push, pull)
			})
		}
	}
}

func TestTaskIsPrinted(t *testing.T) {
	t.Parallel()
	push := startWith(t, "w\xffsh", "push", "--bind", anyPort, "chores")
	pull := start(t, "pull", "--connect", push.endpoint(), "--count", "1", "chores")
	push.exits(exitDone)
	pull.exits(exitDone)
	r := pull.stdout.records(1)[0]
	if r["task"] != "chores" || r["seq"] != 1.0 || r["payload_base64"] != "d/9zaA==" || r["payload"] != nil || r["attempt"] != nil {
		t.Errorf("printed %v", r)
	}
	for _, field := range []string{"id", "source", "time"} {
		if r[field] == nil {
			t.Errorf("no %q in %v", field, r)
		}
	}
}

// TestPlainTaskIsPrinted checks that nothing is made up for a task that has only a payload.
func TestPlainTaskIsPrinted(t *testing.T) {
	t.Parallel()
	push := start(t, "push", "--bind", anyPort, "--plain", "wash")
	pull := start(t, "pull", "--connect", push.endpoint(), "--plain", "--count", "1")
	push.exits(exitDone)
	pull.exits(exitDone)
	if got := pull.stdout.String(); got != `{"payload":"wash"}`+"\n" {
		t.Errorf("printed %q", got)
	}
}

func TestPushOfNothing(t *testing.T) {
	t.Parallel()
	start(t, "push", "--bind", anyPort, "chores").exits(exitDone)
}

// TestPushOfMuch sends more than the producer keeps, to two workers that are there from the beginning.
func TestPushOfMuch(t *testing.T) {
	t.Parallel()
	const tasks = 10000
	var input strings.Builder
	for i := range tasks {
		input.WriteString(strconv.Itoa(i) + "\n")
	}
	push := startWith(t, input.String(), "push", "--bind", anyPort, "--wait", "2", "numbers")
	pulls := []*invocation{
		start(t, "pull", "--connect", push.endpoint(), "numbers"),
		start(t, "pull", "--connect", push.endpoint(), "numbers"),
	}
	push.exits(exitDone)
	seen := map[string]bool{}
	for _, pull := range pulls {
		pull.interrupt()
		pull.exits(exitDone)
		mine := payloadsOf(pull.stdout, 1)
		for _, payload := range mine {
			seen[payload] = true
		}
	}
	if got := strings.Count(pulls[0].stdout.String()+pulls[1].stdout.String(), "\n"); len(seen) != tasks || got != tasks {
		t.Errorf("printed %d lines and %d tasks, want %d", got, len(seen), tasks)
	}
}

func TestPushTimeout(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"of wait":      {[]string{"--wait", "2", "a", "b"}, "timeout after 50ms: nothing was sent: fewer than 2 workers are connected"},
		"plain":        {[]string{"--plain", "--wait", "1", "b"}, "timeout after 50ms: nothing was sent: fewer than 1 workers are connected"},
		"without wait": {[]string{"a", "b"}, "timeout after 50ms: 1 tasks are not done; no worker for them is connected\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, append([]string{"push", "--connect", absent(t), "--timeout", "50ms"}, tc.args...)...)
			i.exits(exitTimeout)
			if !strings.Contains(i.stderr.String(), tc.want) {
				t.Errorf("stderr is %q, want %q in it", i.stderr, tc.want)
			}
		})
	}
}

// TestPushToOther checks that the user learns that the peers there are do not take the task.
func TestPushToOther(t *testing.T) {
	t.Parallel()
	endpoint := start(t, "pull", "--bind", anyPort, "--plain").endpoint()
	push := start(t, "push", "--connect", endpoint, "a", "b")
	push.stderr.line("peer up")
	push.interrupt()
	push.exits(exitFailed)
	push.stderr.line("fanfare push: interrupted: 1 tasks are not done; no worker for them is connected")
}

func TestInterruptedPush(t *testing.T) {
	t.Parallel()
	push := start(t, "push", "--bind", anyPort, "--wait", "1", "a", "b")
	push.stderr.line("waiting for workers")
	push.interrupt()
	push.exits(exitFailed)
	push.stderr.line("fanfare push: interrupted: nothing was sent")
}

// TestPushOfPoison has a worker say that nobody is to try again.
func TestPushOfPoison(t *testing.T) {
	t.Parallel()
	poison := func(t *testing.T, endpoint string) {
		t.Helper()
		tr, err := zmq.New(&zmq.Options{Pull: zmq.Connect(endpoint)})
		if err != nil {
			t.Fatal(err)
		}
		silent := zerolog.Nop()
		b := bustest.New(t, &bus.Options{Transport: tr, Logger: &silent})
		name := "a"
		chores, err := taskOf(&name)
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(_ context.Context, payload []byte) error {
			if string(payload) == "bad" {
				return pipeline.DeadLetter(errors.New("out of ink"))
			}
			return nil
		}
		if _, err := pipeline.NewWorker(b, chores, refuse, nil); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("for nobody", func(t *testing.T) {
		t.Parallel()
		push := startWith(t, "good\nbad\ngood\nbad\n", "push", "--bind", anyPort, "a")
		poison(t, push.endpoint())
		push.exits(exitFailed)
		push.stderr.line("fanfare push: 2 tasks were given up, the first because: out of ink; nobody has handled all of them as a.dead")
	})
	t.Run("for a worker of dead letters", func(t *testing.T) {
		t.Parallel()
		push := start(t, "push", "--bind", anyPort, "a", "bad")
		pull := start(t, "pull", "--connect", push.endpoint(), "--count", "1", "a.dead")
		pull.stderr.line("peer up")
		poison(t, push.endpoint())
		push.exits(exitFailed)
		pull.exits(exitDone)
		if line := push.stderr.line("given up"); !strings.HasSuffix(line, "the first because: out of ink") {
			t.Errorf("stderr says %q", line)
		}
		r := pull.stdout.records(1)[0]
		headers, _ := r["headers"].(map[string]any)
		if r["task"] != "a.dead" || r["payload"] != "bad" || headers["dead-letter-reason"] != "out of ink" {
			t.Errorf("printed %v", r)
		}
	})
}
