package interop_test

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"go.uber.org/goleak"
)

// What a publisher of ours sends is what a SUB of libzmq receives.
func ExampleSocket() {
	TestWeather := func(t *testing.T) {
		b, tr := interop.Join(t, &zmq.Options{Publish: zmq.Bind(interop.AnyPort), Plain: true})
		peer := interop.Socket(t, interop.Spec{Type: "SUB", Connect: tr.Bound().Publish, Subscribe: []string{"weather"}})
		peer.Ready()

		pub, err := publisher.New(b, topic.New[string]("weather.berlin").WithCodec(codec.String), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.WaitSubscribers(interop.Patient(t), 1); err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(t.Context(), "rain"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(peer.Message()); got != "[weather.berlin rain]" {
			t.Errorf("the peer received %s", got)
		}
	}
	_ = TestWeather
}

// A peer crashes, and comes back where it was.
func ExampleProcess_Restart() {
	TestServerCrashes := func(t *testing.T) {
		server := interop.Python(t, "reply.py", "bind", interop.AnyPort)
		endpoint := server.Ready()[0]
		// … connect to endpoint, ask, and wait for the answer

		server.Kill()
		server.Restart("bind", endpoint)
		server.Ready()
		// … ask again
		if line := server.Line(); line != "my question" {
			t.Errorf("the server was asked %q", line)
		}
	}
	_ = TestServerCrashes
}

// A peer in Python. The module harness knows what a Process waits for.
func ExampleScript() {
	const sink = `
import sys, zmq
from harness import end_with_input, opened, ready, say

end_with_input()
socket = opened(zmq.PULL, "bind", sys.argv[1])
ready(socket)
while True:
    say(socket.recv_json()["id"])
`
	TestTasksArrive := func(t *testing.T) {
		peer := interop.Script(t, sink, interop.AnyPort)
		endpoint := peer.Ready()[0]
		_ = endpoint // push a task to it
		if id := peer.Line(); id != "42" {
			t.Errorf("the task that came is %s", id)
		}
	}
	_ = TestTasksArrive
}

// Any program is started, waited for and ended the same way.
func ExampleStart() {
	TestService := func(t *testing.T) {
		service := interop.Start(t, exec.Command("./service", "-listen", interop.AnyPort))
		endpoint := service.Ready()[0]
		_ = endpoint // talk to it

		if err := service.Terminate(); err != nil {
			t.Errorf("the service ended with %v", err)
		}
		if lines, _ := service.Output(); lines[len(lines)-1] != "done" {
			t.Errorf("the service said %q, and to stderr %q", lines, service.Stderr())
		}
	}
	_ = TestService
}

// The test binary is a subscriber in a process of its own, which can be killed.
func ExampleChild() {
	subscribe := func(args []string) {
		tr, err := zmq.New(&zmq.Options{Subscribe: zmq.Connect(args[0])})
		interop.Must(err)
		b, err := bus.New(&bus.Options{Transport: tr})
		interop.Must(err)
		// … subscribe
		fmt.Println("ready")
		for line := range interop.Told() { // until the test ends
			fmt.Println("told", line)
		}
		interop.Must(b.Close())
	}
	TestMain := func(m *testing.M) {
		interop.Roles{"subscriber": subscribe}.Run()
		goleak.VerifyTestMain(m)
	}
	TestSubscriberDies := func(t *testing.T) {
		_, tr := interop.Join(t, &zmq.Options{Publish: zmq.Bind(interop.AnyPort)})
		subscriber := interop.Child(t, "subscriber", tr.Bound().Publish[0])
		subscriber.Ready()
		subscriber.Kill()
		// … the publisher goes on
	}
	_, _ = TestMain, TestSubscriberDies
}
