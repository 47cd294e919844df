package chaos_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// childSpec makes the test's program the child that it describes, instead.
const childSpec = "FANFARE_CHAOS_CHILD"

// spec is what a process is to be.
type spec struct {
	Role          string // a key of roles
	Bind, Connect []string
	Workers       int    // 0: the default
	Prefetch      int    // of a worker or stage; 0: the default
	File          string // of a worker
	Deadly        int    // what kills a worker; 0: nothing
}

// roles are what a process does with its specification, after it has said that it is ready. It is told lines, by its standard input.
var roles = map[string]func(s *spec, told <-chan string){
	"server": runServer,
	"client": runClient,
	"worker": runWorker,
	"stage":  runStage,
}

// endpoints are those of the specification.
func (s *spec) endpoints() zmq.Endpoints { return zmq.Bind(s.Bind...).Connect(s.Connect...) }

// open returns a bus of a child. The port of a child that was killed may be some other connection's for a moment.
func open(o zmq.Options) (*bus.Bus, *zmq.Transport) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		tr, err := zmq.New(restless(o))
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		must(err)
		b, err := bus.New(&bus.Options{Transport: tr})
		must(err)
		return b, tr
	}
}

// runChild is the program of a child. It ends with the test's process, or when that says so.
func runChild(encoded string) {
	var s spec
	must(json.Unmarshal([]byte(encoded), &s))
	told := make(chan string)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			told <- lines.Text()
		}
		os.Exit(1)
	}()
	roles[s.Role](&s, told)
}

// say prints a line.
func say(line ...any) { fmt.Println(line...) }

// eventually looks at counters, which tell nobody that they have changed, until they are as wanted.
func eventually(holds func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
	spec    spec
	process *os.Process
}

func start(t *testing.T, s spec) *child {
	t.Helper()
	c := launch(t, s)
	c.ready()
	return c
}

// launch is start that does not wait until the process is ready.
func launch(t *testing.T, s spec) *child {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childSpec+"="+string(encoded))
	return &child{t: t, Process: interop.Start(t, cmd), spec: s, process: cmd.Process}
}

// ready waits until the process is, and notes what it has bound.
func (c *child) ready() {
	c.t.Helper()
	if bound := c.Ready(); len(bound) > 0 {
		c.spec.Bind = bound
	}
}

// again starts a process as the killed one was, at the same endpoints.
func (c *child) again() *child {
	c.t.Helper()
	return start(c.t, c.spec)
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
