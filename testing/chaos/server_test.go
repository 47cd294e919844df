package chaos_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// question is a request that says what is to happen to it.
type question struct {
	Text string
	Hold bool // the server says "begun TEXT", and answers at the word "go"
	Deaf bool // with Hold: it does not notice that nobody waits any more; otherwise it says "abandoned TEXT"
}

type answer struct {
	Text   string
	Server int // its process
}

var mortal = request.NewCall[question, answer]("chaos.mortal")

// runServer is a process that serves mortal. It is told "go N", which lets N handlers go on, "queued N" and "succeeded N", which it says again
// when that is so.
func runServer(s *spec, told <-chan string) {
	b, tr := open(zmq.Options{Serve: s.endpoints()})
	words := make(chan struct{}, 1<<16)
	srv, err := request.Serve(b, mortal, func(ctx context.Context, q question) (answer, error) {
		if q.Hold {
			say("begun", q.Text)
			ended := ctx.Done()
			if q.Deaf {
				ended = nil
			}
			select {
			case <-words:
			case <-ended:
				say("abandoned", q.Text)
				return answer{}, ctx.Err()
			}
		}
		return answer{Text: "re: " + q.Text, Server: os.Getpid()}, nil
	}, &request.ServeOptions{Workers: s.Workers})
	interop.Must(err)
	say("ready", tr.Bound().Serve[0])
	for line := range told {
		var command string
		var n uint64
		_, err := fmt.Sscan(line, &command, &n)
		interop.Must(err)
		switch command {
		case "go":
			for range n {
				words <- struct{}{}
			}
		case "queued":
			eventually(func() bool { return srv.Stats().Queued == n })
			say(line)
		case "succeeded":
			eventually(func() bool { return srv.Stats().Succeeded == n })
			say(line)
		}
	}
}

// runClient is a process that asks mortal. It is told "hold N", which has it ask so many at once.
func runClient(s *spec, told <-chan string) {
	b, _ := open(zmq.Options{Request: s.endpoints()})
	cl, err := request.NewClient(b, mortal, &request.Options{Timeout: forEver})
	interop.Must(err)
	say("ready")
	for line := range told {
		var n int
		_, err := fmt.Sscanf(line, "hold %d", &n)
		interop.Must(err)
		for i := range n {
			go func() {
				reply, err := cl.Do(context.Background(), question{Text: fmt.Sprint(i), Hold: true})
				say(reply, err)
			}()
		}
	}
}

// serving starts a server in a process of its own, and a bus that is connected to it.
func serving(t *testing.T, s spec) (*child, *bus.Bus, *zmq.Transport) {
	t.Helper()
	s.Role = "server"
	c := start(t, s)
	b, tr := interop.Join(t, &zmq.Options{Request: zmq.Connect(c.endpoint())})
	return c, b, tr
}

// newClient returns a client of this process.
func newClient(t *testing.T, b *bus.Bus, timeout time.Duration, attempts int) *request.Client[question, answer] {
	t.Helper()
	cl, err := request.NewClient(b, mortal, &request.Options{Timeout: timeout, Attempts: attempts})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

type outcome struct {
	reply answer
	err   error
}

// ask begins a request. It ends with the test at the latest.
func ask(t *testing.T, cl *request.Client[question, answer], q question) <-chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	ctx := t.Context()
	go func() {
		reply, err := cl.Do(ctx, q)
		done <- outcome{reply, err}
	}()
	return done
}

// replied waits for the reply to a request, from a process if that is not nil.
func replied(t *testing.T, done <-chan outcome, text string, from *child) {
	t.Helper()
	got := interop.Next(t, done)
	if got.err != nil || got.reply.Text != "re: "+text || from != nil && got.reply.Server != from.PID() {
		t.Fatalf("asked %q: %+v, %v", text, got.reply, got.err)
	}
}
