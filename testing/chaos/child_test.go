package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// spec is what a process is to be.
type spec struct {
	Role          string
	Bind, Connect []string
	Workers       int    // 0: the default
	Prefetch      int    // of a worker or stage; 0: the default
	File          string // of a worker
	Deadly        int    // what kills a worker; 0: nothing
}

// role is a program that does that with its specification, and with the lines that it is told. It says first that it is ready.
func role(run func(s *spec, told <-chan string)) func(args []string) {
	return func(args []string) {
		var s spec
		interop.Must(json.Unmarshal([]byte(args[0]), &s))
		run(&s, interop.Told())
	}
}

// endpoints are those of the specification.
func (s *spec) endpoints() zmq.Endpoints { return zmq.Bind(s.Bind...).Connect(s.Connect...) }

// open returns a bus of a child. The port of a child that was killed may be some other connection's for a moment.
func open(o zmq.Options) (*bus.Bus, *zmq.Transport) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(interop.Patience); ; <-tick.C {
		tr, err := zmq.New(interop.Restless(&o))
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		interop.Must(err)
		b, err := bus.New(&bus.Options{Transport: tr})
		interop.Must(err)
		return b, tr
	}
}

// say prints a line.
func say(line ...any) { fmt.Println(line...) }

// eventually looks at counters, which tell nobody that they have changed, until they are as wanted.
func eventually(holds func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), interop.Patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// child is a process that a test talks to.
type child struct {
	t *testing.T
	*interop.Process
	spec spec
}

func start(t *testing.T, s spec) *child {
	t.Helper()
	c := &child{t: t, Process: interop.Child(t, s.Role, s.encoded(t)), spec: s}
	c.ready()
	return c
}

// encoded returns the specification as the argument of a role.
func (s *spec) encoded(t *testing.T) string {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// ready waits until the process is, and notes what it has bound.
func (c *child) ready() {
	c.t.Helper()
	if bound := c.Ready(); len(bound) > 0 {
		c.spec.Bind = bound
	}
}

// again starts the process again that has ended, at the same endpoints.
func (c *child) again() {
	c.t.Helper()
	c.Restart(c.spec.encoded(c.t))
	c.ready()
}

// endpoint returns what the process has bound.
func (c *child) endpoint() string { return c.spec.Bind[0] }

// says waits for these lines, in any order.
func (c *child) says(want ...string) {
	c.t.Helper()
	var got []string
	for range want {
		got = append(got, c.Line())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Fatalf("%s, not %s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
}
