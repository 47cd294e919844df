package main

import (
	"path/filepath"
	"testing"
)

func TestCommandAnswers(t *testing.T) {
	t.Parallel()
	const script = `printf '[%s] ' "$FANFARE_NAME"; tr a-z A-Z`
	for name, tc := range map[string]struct {
		req, reply []string
		want       string
	}{
		"by name": {[]string{"text.upper", "hello"}, []string{"text.upper"}, "[text.upper] HELLO\n"},
		"plain":   {[]string{"--plain", "hello"}, []string{"--plain"}, "[] HELLO\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := start(t, append([]string{"reply", "--bind", anyPort, "--command", script}, tc.reply...)...)
			req := start(t, append([]string{"req", "--connect", reply.endpoint()}, tc.req...)...)
			req.exits(exitDone)
			if got := req.stdout.String(); got != tc.want {
				t.Errorf("printed %q, want %q", got, tc.want)
			}
		})
	}
}

// TestCommandRunsOnceForEachRequest asks again every 30 ms while the command runs.
func TestCommandRunsOnceForEachRequest(t *testing.T) {
	t.Parallel()
	runs := filepath.Join(t.TempDir(), "runs")
	reply := start(t, "reply", "--bind", anyPort, "--command", "echo run >>"+runs+"; sleep 0.3; cat "+runs, "a")
	req := start(t, "req", "--connect", reply.endpoint(), "--timeout", "30s", "--attempts", "1000", "a", "")
	req.exits(exitDone)
	if got := req.stdout.String(); got != "run\n" {
		t.Errorf("printed %q, want that of one run", got)
	}
}
