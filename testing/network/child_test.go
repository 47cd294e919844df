package network_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// spec is what a process is to be.
type spec struct {
	Role string // "publisher" or "subscriber"
	link
	Topics  int // of a publisher
	Payload int // its events' size in bytes

	Queue    int // of a subscriber
	Overflow bus.Overflow
}

// link is one side of the connection between two processes.
type link struct {
	Bind, Connect       string // one of them
	SendHWM, ReceiveHWM int
	Heartbeat           time.Duration // 0: none; silence ends a connection after three
}

func (l *link) options() *zmq.Options {
	o := &zmq.Options{
		SendHWM: l.SendHWM, ReceiveHWM: l.ReceiveHWM,
		ReconnectInterval: 10 * time.Millisecond, ReconnectMax: 50 * time.Millisecond,
		HeartbeatInterval: -1,
	}
	if l.Heartbeat > 0 {
		o.HeartbeatInterval, o.HeartbeatTimeout = l.Heartbeat, 3*l.Heartbeat
	}
	return o
}

func (l *link) endpoints() zmq.Endpoints {
	if l.Bind != "" {
		return zmq.Bind(l.Bind)
	}
	return zmq.Connect(l.Connect)
}

// report is what a process answers.
type report struct {
	Endpoint     string        // bound, at the beginning
	Published    []uint64      // events, by topic
	Took         time.Duration // to publish
	Bus          bus.Stats
	Subscription subscriber.Stats
	Heap, InUse  uint64 // bytes after a collection
	Err          string
}

// weigh measures the heap.
func (r *report) weigh() {
	runtime.GC()
	runtime.GC() // what pools held over the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.Heap, r.InUse = m.HeapAlloc, m.HeapInuse
}

// role does what it is told, and answers.
type role interface {
	do(ctx context.Context, command string, n int) report
}

// commanded is the program of a role: a line of its input is a command and a number, a line of its output a report.
func commanded(begin func(*spec) (role, report)) func(args []string) {
	return func(args []string) {
		var s spec
		interop.Must(json.Unmarshal([]byte(args[0]), &s))
		answers := json.NewEncoder(os.Stdout)
		r, first := begin(&s)
		interop.Must(answers.Encode(first))
		for line := range interop.Told() {
			var command string
			var n int
			_, err := fmt.Sscan(line, &command, &n)
			interop.Must(err)
			ctx, cancel := context.WithTimeout(context.Background(), interop.Patience)
			interop.Must(answers.Encode(r.do(ctx, command, n)))
			cancel()
			if command == "shutdown" {
				return
			}
		}
	}
}

// child is a process that a test commands.
type child struct {
	t *testing.T
	*interop.Process
	endpoint string // that it has bound
}

func start(t *testing.T, s spec) *child {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, Process: interop.Child(t, s.Role, string(encoded))}
	c.endpoint = c.answer().Endpoint
	return c
}

// ask tells the process to do something and waits until it has.
func (c *child) ask(command string, n int) report {
	c.t.Helper()
	c.tell(command, n)
	return c.answer()
}

func (c *child) tell(command string, n int) { c.Tell(fmt.Sprint(command, " ", n)) }

func (c *child) answer() (r report) {
	c.t.Helper()
	line := c.Line()
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	return r
}
