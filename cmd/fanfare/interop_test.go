package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
)

// clients is a stock publisher of messages for two clients.
func clients(t *testing.T, at interop.Spec) *interop.Process {
	t.Helper()
	at.Type = "PUB"
	at.Send = [][]any{{"client1", "message for client1"}, {"client2", "message for client2"}}
	return interop.Socket(t, at)
}

func TestSubHearsPyzmq(t *testing.T) {
	t.Parallel()
	only1 := []string{"--prefix", "client1", "--count", "5"}
	check := func(t *testing.T, sub *invocation) {
		t.Helper()
		sub.exits(exitDone)
		want := strings.Repeat(`{"topic":"client1","payload":"message for client1"}`+"\n", 5)
		if got := sub.stdout.String(); got != want {
			t.Errorf("printed\n%swant\n%s", got, want)
		}
	}
	t.Run("which is there", func(t *testing.T) {
		t.Parallel()
		pub := clients(t, interop.Spec{Bind: []string{"tcp://127.0.0.1:*"}})
		check(t, start(t, append([]string{"sub", "--connect", pub.Ready()[0]}, only1...)...))
	})
	t.Run("which comes later", func(t *testing.T) {
		t.Parallel()
		endpoint := freePort(t)
		sub := start(t, append([]string{"sub", "--connect", endpoint}, only1...)...)
		clients(t, interop.Spec{Bind: []string{endpoint}})
		check(t, sub)
	})
	t.Run("which connects", func(t *testing.T) {
		t.Parallel()
		sub := start(t, append([]string{"sub", "--bind", anyPort}, only1...)...)
		clients(t, interop.Spec{Connect: []string{sub.endpoint()}})
		check(t, sub)
	})
}

func TestPlainPubReachesPyzmq(t *testing.T) {
	t.Parallel()
	message := []string{"--plain", "--count", "2", "client2", "message for client2"}
	check := func(t *testing.T, sub *interop.Process) {
		t.Helper()
		for range 2 {
			if got, want := sub.Message(), []any{"client2", "message for client2"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	t.Run("which binds", func(t *testing.T) {
		t.Parallel()
		sub := interop.Socket(t, interop.Spec{Type: "SUB", Bind: []string{"tcp://127.0.0.1:*"}, Subscribe: []string{"client2"}})
		start(t, append([]string{"pub", "--connect", sub.Ready()[0]}, message...)...).exits(exitDone)
		check(t, sub)
	})
	t.Run("which connects", func(t *testing.T) {
		t.Parallel()
		pub := start(t, append([]string{"pub", "--bind", anyPort, "--wait", "1"}, message...)...)
		check(t, interop.Socket(t, interop.Spec{Type: "SUB", Connect: []string{pub.endpoint()}, Subscribe: []string{"client2"}}))
		pub.exits(exitDone)
	})
}

func TestEnvelopedPubReachesPyzmq(t *testing.T) {
	t.Parallel()
	sub := interop.Socket(t, interop.Spec{Type: "SUB", Bind: []string{"tcp://127.0.0.1:*"}, Subscribe: []string{"orders."}})
	start(t, "pub", "--connect", sub.Ready()[0], "-H", "region=eu", "orders.created", "42").exits(exitDone)
	frames := sub.Message()
	if len(frames) != 3 || frames[0] != "orders.created" || frames[2] != "42" {
		t.Fatalf("got the frames %q", frames)
	}
	envelope, _ := frames[1].(string)
	if !strings.HasPrefix(envelope, "\u00c1FFR\x01\x00") || !strings.Contains(envelope, "region\x00\x00\x00\x02eu") {
		t.Errorf("the envelope is %q, want its magic and the header", envelope)
	}
}

func TestReqAsksPyzmq(t *testing.T) {
	t.Parallel()
	rep := func(t *testing.T, at interop.Spec) *interop.Process {
		t.Helper()
		at.Type, at.Send = "REP", [][]any{{"new message"}}
		return interop.Socket(t, at)
	}
	check := func(t *testing.T, req *invocation, rep *interop.Process) {
		t.Helper()
		if got, want := rep.Message(), []any{"A message"}; !slices.Equal(got, want) {
			t.Errorf("REP got %q, want %q", got, want)
		}
		req.exits(exitDone)
		if got := req.stdout.String(); got != "new message\n" {
			t.Errorf("printed %q", got)
		}
	}
	for name, words := range map[string][]string{"by name": {"any.name", "A message"}, "plain": {"--plain", "A message"}} {
		t.Run(name+", which binds", func(t *testing.T) {
			t.Parallel()
			rep := rep(t, interop.Spec{Bind: []string{"tcp://127.0.0.1:*"}})
			check(t, start(t, append([]string{"req", "--connect", rep.Ready()[0]}, words...)...), rep)
		})
		t.Run(name+", which connects", func(t *testing.T) {
			t.Parallel()
			req := start(t, append([]string{"req", "--bind", anyPort, "--timeout", patience.String()}, words...)...)
			check(t, req, rep(t, interop.Spec{Connect: []string{req.endpoint()}}))
		})
		t.Run(name+", which is killed and comes back", func(t *testing.T) {
			t.Parallel()
			endpoint := freePort(t)
			silent := interop.Socket(t, interop.Spec{Type: "REP", Bind: []string{endpoint}})
			silent.Ready()
			req := start(t, append([]string{"req", "--connect", endpoint, "--timeout", patience.String()}, words...)...)
			silent.Message()
			silent.Kill()
			check(t, req, rep(t, interop.Spec{Bind: []string{endpoint}}))
		})
	}
}

func TestReplyAnswersPyzmq(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		how  []string
		want any
	}{
		"echo":    {[]string{"--echo"}, "A message"},
		"command": {[]string{"--command", "grep -q '^A message$' && printf 'new message'"}, "new message"},
		"failure": {[]string{"--command", "echo not a reply; exit 1"}, ""},
	} {
		t.Run(name+", REQ connects", func(t *testing.T) {
			t.Parallel()
			reply := start(t, append([]string{"reply", "--bind", anyPort, "--plain"}, tc.how...)...)
			req := interop.Socket(t, interop.Spec{Type: "REQ", Connect: []string{reply.endpoint()}, Send: [][]any{{"A message"}}})
			for range 2 {
				if got, want := req.Message(), []any{tc.want}; !slices.Equal(got, want) {
					t.Errorf("REQ got %q, want %q", got, want)
				}
			}
		})
		t.Run(name+", REQ binds", func(t *testing.T) {
			t.Parallel()
			req := interop.Socket(t, interop.Spec{Type: "REQ", Bind: []string{"tcp://127.0.0.1:*"}, Send: [][]any{{"A message"}}})
			start(t, append([]string{"reply", "--connect", req.Ready()[0], "--plain"}, tc.how...)...)
			for range 2 {
				if got, want := req.Message(), []any{tc.want}; !slices.Equal(got, want) {
					t.Errorf("REQ got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestPullTakesFromPyzmq(t *testing.T) {
	t.Parallel()
	push := func(t *testing.T, at interop.Spec) *interop.Process {
		t.Helper()
		at.Type, at.Send = "PUSH", [][]any{{`{"num": 1}`}}
		return interop.Socket(t, at)
	}
	for name, tc := range map[string]struct {
		how  []string
		want string
	}{
		"prints":   {nil, `{"payload":"{\"num\": 1}"}` + "\n"},
		"executes": {[]string{"--exec", "cat; echo"}, `{"num": 1}` + "\n"},
	} {
		check := func(t *testing.T, pull *invocation) {
			t.Helper()
			pull.exits(exitDone)
			if got := pull.stdout.String(); got != strings.Repeat(tc.want, 20) {
				t.Errorf("printed\n%s", got)
			}
		}
		args := slices.Concat([]string{"pull", "--plain", "--count", "20"}, tc.how)
		t.Run(name+", which binds", func(t *testing.T) {
			t.Parallel()
			check(t, start(t, slices.Concat(args, []string{"--connect", push(t, interop.Spec{Bind: []string{"tcp://127.0.0.1:*"}}).Ready()[0]})...))
		})
		t.Run(name+", which connects", func(t *testing.T) {
			t.Parallel()
			pull := start(t, slices.Concat(args, []string{"--bind", anyPort})...)
			push(t, interop.Spec{Connect: []string{pull.endpoint()}})
			check(t, pull)
		})
	}
}

func TestPushReachesPyzmq(t *testing.T) {
	t.Parallel()
	const tasks = 2000
	var input strings.Builder
	for i := range tasks {
		fmt.Fprintf(&input, "{\"num\": %d}\n", i)
	}
	check := func(t *testing.T, push *invocation, pull *interop.Process) {
		t.Helper()
		for i := range tasks {
			if got, want := pull.Message(), []any{fmt.Sprintf(`{"num": %d}`, i)}; !slices.Equal(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		push.exits(exitDone)
	}
	t.Run("which binds", func(t *testing.T) {
		t.Parallel()
		pull := interop.Socket(t, interop.Spec{Type: "PULL", Bind: []string{"tcp://127.0.0.1:*"}})
		check(t, startWith(t, input.String(), "push", "--plain", "--connect", pull.Ready()[0]), pull)
	})
	t.Run("which connects later", func(t *testing.T) {
		t.Parallel()
		push := startWith(t, input.String(), "push", "--plain", "--bind", anyPort)
		check(t, push, interop.Socket(t, interop.Spec{Type: "PULL", Connect: []string{push.endpoint()}}))
	})
}
