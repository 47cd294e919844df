package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asCommand is set in the environment of a test binary that is to be the command itself: for tests of signals.
const asCommand = "FANFARE_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// patience bounds a test that would otherwise hang. No test waits for it to pass.
const patience = 30 * time.Second

// invocation is a run of the command inside the test.
type invocation struct {
	t              testing.TB
	stdout, stderr *output
	interrupt      context.CancelFunc // what a signal does
	ended          chan struct{}
	code           int // set before ended is closed
}

// start runs the command with an empty stdin.
func start(t testing.TB, args ...string) *invocation { return startWith(t, "", args...) }

// startWith runs the command with the given stdin.
func startWith(t testing.TB, stdin string, args ...string) *invocation {
	ctx, cancel := context.WithCancel(context.Background())
	i := &invocation{t: t, stdout: newOutput(t), stderr: newOutput(t), interrupt: cancel, ended: make(chan struct{})}
	go func() {
		defer close(i.ended)
		i.code = run(ctx, args, strings.NewReader(stdin), i.stdout, i.stderr)
	}()
	t.Cleanup(func() {
		cancel()
		<-i.ended
	})
	return i
}

// endpoint returns where the command says that it listens.
func (i *invocation) endpoint() string {
	i.t.Helper()
	return endpointIn(i.stderr)
}

// endpointIn returns where a command listens that has that stderr.
func endpointIn(stderr *output) string {
	stderr.t.Helper()
	_, endpoint, _ := strings.Cut(stderr.line("listening"), "endpoint=")
	return endpoint
}

// exits waits for the end and checks the exit code.
func (i *invocation) exits(code int) {
	i.t.Helper()
	select {
	case <-i.ended:
	case <-time.After(patience):
		i.t.Fatalf("did not exit; stdout %q, stderr %q", i.stdout, i.stderr)
	}
	if i.code != code {
		i.t.Errorf("exit code %d, want %d; stderr:\n%s", i.code, code, i.stderr)
	}
}
