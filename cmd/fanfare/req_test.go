package main

import (
	"strings"
	"testing"
)

func TestAskAndAnswer(t *testing.T) {
	t.Parallel()
	const text = "hello, wörld"
	check := func(t *testing.T, req *invocation) {
		t.Helper()
		req.exits(exitDone)
		if got := req.stdout.String(); got != text+"\n" {
			t.Errorf("printed %q, want %q and a newline", got, text)
		}
	}
	for name, words := range map[string]struct{ req, reply []string }{
		"by name": {[]string{"text.echo", text}, []string{"text.echo"}},
		"plain":   {[]string{"--plain", text}, []string{"--plain"}},
	} {
		t.Run(name+", the server binds", func(t *testing.T) {
			t.Parallel()
			reply := start(t, append([]string{"reply", "--bind", anyPort, "--echo"}, words.reply...)...)
			check(t, start(t, append([]string{"req", "--connect", reply.endpoint()}, words.req...)...))
			reply.interrupt()
			reply.exits(exitDone)
		})
		t.Run(name+", the client binds", func(t *testing.T) {
			t.Parallel()
			req := start(t, append([]string{"req", "--bind", anyPort}, words.req...)...)
			start(t, append([]string{"reply", "--connect", req.endpoint(), "--echo"}, words.reply...)...)
			check(t, req)
		})
		t.Run(name+", the server comes later", func(t *testing.T) {
			t.Parallel()
			endpoint := absent(t)
			req := start(t, append([]string{"req", "--connect", endpoint}, words.req...)...)
			start(t, append([]string{"reply", "--bind", endpoint, "--echo"}, words.reply...)...)
			check(t, req)
		})
	}
}

func TestAskWithStdin(t *testing.T) {
	t.Parallel()
	const input = "one\r\n\ntwo\xff"
	endpoint := start(t, "reply", "--bind", anyPort, "--echo", "text.echo").endpoint()
	req := startWith(t, input, "req", "--connect", endpoint, "text.echo")
	req.exits(exitDone)
	if got := req.stdout.String(); got != input {
		t.Errorf("printed %q, want %q", got, input)
	}
}

func TestPrintReply(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{"text": "text\n", "line\n": "line\n", "": "\n", "\xff": "\xff"} {
		var printed strings.Builder
		if err := printReply(&printed, []byte(reply)); err != nil {
			t.Fatal(err)
		}
		if printed.String() != want {
			t.Errorf("printed %q for %q, want %q", printed.String(), reply, want)
		}
	}
}

// TestNoReply checks what the user learns when there is no reply, and the exit code.
func TestNoReply(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, req *invocation, code int, want ...string) {
		t.Helper()
		req.exits(code)
		for _, text := range want {
			if !strings.Contains(req.stderr.String(), text) {
				t.Errorf("stderr is %q, want %q in it", req.stderr, text)
			}
		}
		if req.stdout.String() != "" {
			t.Errorf("stdout is %q, want nothing", req.stdout)
		}
	}
	t.Run("because nobody is there", func(t *testing.T) {
		t.Parallel()
		endpoint := absent(t)
		req := start(t, "req", "--connect", endpoint, "--timeout", "50ms", "a", "b")
		check(t, req, exitTimeout, "fanfare req: no server was connected in time", endpoint, "not connected")
	})
	t.Run("because it takes too long", func(t *testing.T) {
		t.Parallel()
		reply := start(t, "reply", "--bind", anyPort, "--command", "exec sleep 1000", "a")
		req := start(t, "req", "--connect", reply.endpoint(), "--timeout", "1s", "a", "b")
		check(t, req, exitTimeout, "fanfare req: no reply in time, ")
		reply.stderr.line("a request was given up, and the command killed")
	})
	t.Run("because the server does not know the time", func(t *testing.T) {
		t.Parallel()
		reply := start(t, "reply", "--bind", anyPort, "--plain", "--command", "exec sleep 1000")
		req := start(t, "req", "--connect", reply.endpoint(), "--connect", absent(t), "--timeout", "200ms", "--attempts", "1", "--plain", "b")
		check(t, req, exitTimeout, "fanfare req: no reply in time, attempts: 1", "not connected")
	})
	t.Run("because the server has ended", func(t *testing.T) {
		t.Parallel()
		reply, stderr := process(t, "reply", "--bind", anyPort, "--command", "kill -KILL $PPID", "a")
		if err := reply.Start(); err != nil {
			t.Fatal(err)
		}
		req := start(t, "req", "--connect", endpointIn(stderr), "--attempts", "1", "--timeout", "0", "a", "b")
		check(t, req, exitTimeout, "fanfare req: no reply, attempts: 1, connections lost: 1")
		_ = reply.Wait() // killed
	})
	t.Run("because it failed", func(t *testing.T) {
		t.Parallel()
		reply := start(t, "reply", "--bind", anyPort, "--command", "echo first >&2; echo 'out of paper' >&2; echo >&2; exit 3", "a")
		req := start(t, "req", "--connect", reply.endpoint(), "a", "b")
		check(t, req, exitFailed, "fanfare req: the server answered with a failure: exit status 3: out of paper (failed)")
		reply.stderr.line(`a request failed error="exit status 3: out of paper"`)
		reply.stderr.line("first")
	})
	t.Run("because nobody serves it", func(t *testing.T) {
		t.Parallel()
		reply := start(t, "reply", "--bind", anyPort, "--echo", "a")
		req := start(t, "req", "--connect", reply.endpoint(), "--attempts", "1", "other", "b")
		check(t, req, exitFailed, `nobody here serves "other" (unimplemented)`)
	})
	t.Run("because only plain requests are served", func(t *testing.T) {
		t.Parallel()
		reply := start(t, "reply", "--bind", anyPort, "--echo", "--plain")
		for _, name := range []string{"plain", "plain requests"} {
			req := start(t, "req", "--connect", reply.endpoint(), "--attempts", "1", name, "b")
			check(t, req, exitFailed, "(unimplemented)")
		}
	})
	t.Run("because of a signal", func(t *testing.T) {
		t.Parallel()
		reply := start(t, "reply", "--bind", anyPort, "--command", "echo begun >&2; exec sleep 1000", "a")
		req := start(t, "req", "--connect", reply.endpoint(), "--timeout", "0", "a", "b")
		reply.stderr.line("begun")
		req.interrupt()
		check(t, req, exitFailed, "fanfare req: interrupted")
		reply.stderr.line("a request was given up, and the command killed")
	})
}

// TestServerRestarts kills a server that has taken a request, and starts another one in its place.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	endpoint := freePort(t)
	reply, _ := process(t, "reply", "--bind", endpoint, "--command", "kill -KILL $PPID", "a")
	if err := reply.Start(); err != nil {
		t.Fatal(err)
	}
	req := start(t, "req", "--connect", endpoint, "--timeout", patience.String(), "a", "hello")
	_ = reply.Wait() // killed
	start(t, "reply", "--bind", endpoint, "--echo", "a")
	req.exits(exitDone)
	if got := req.stdout.String(); got != "hello\n" {
		t.Errorf("printed %q", got)
	}
}
