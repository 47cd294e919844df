package interop_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// A program of the test's own has the module that the peers share.
func TestScript(t *testing.T) {
	t.Parallel()
	peer := interop.Script(t, `
import sys, zmq
from harness import INPUT, opened, poller, ready, say

first, second = opened(zmq.PULL, "bind", sys.argv[1]), opened(zmq.PULL, "bind", sys.argv[2])
ready(first, second)
both = poller(first, second)
while True:
    events = dict(both.poll())
    for name, socket in ("first", first), ("second", second):
        if socket in events:
            say(name, socket.recv_json()["id"])
    if INPUT in events:
        say("end", sys.stdin.readline().strip())
        break
`, interop.AnyPort, interop.IPC(t))
	at := peer.Ready()
	if len(at) != 2 {
		t.Fatalf("%q", at)
	}
	for i, want := range []string{"first 42", "second 42"} {
		push := socket.NewPush(nil)
		t.Cleanup(func() { _ = push.Close() })
		dial(t, push, at[i])
		give(t, push, []any{`{"id": 42}`})
		line(t, peer, want)
	}
	peer.Tell("please")
	line(t, peer, "end please")
	if err := peer.Wait(); err != nil {
		t.Error(err)
	}
}
