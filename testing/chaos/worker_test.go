package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

var (
	chores  = pipeline.NewTask[int]("chaos.chores")
	outputs = pipeline.NewTask[int]("chaos.outputs")
)

// toil takes the time of a chore: before it is done, or after, so that workers die at either time.
func toil(n int, done bool) {
	if done == (n%2 == 0) {
		<-time.After(time.Millisecond)
	}
}

// runWorker is a process that does chores, one after the other: it appends each to its file. It says "dying of N" when it does.
func runWorker(s *spec, told <-chan string) {
	b, _ := open(zmq.Options{Pull: s.endpoints()})
	done, err := os.OpenFile(s.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	interop.Must(err)
	ready := make(chan struct{}) // said
	_, err = pipeline.NewWorker(b, chores, func(ctx context.Context, n int) error {
		if n == s.Deadly && n != 0 {
			<-ready
			say("dying of", n)
			self, err := os.FindProcess(os.Getpid())
			interop.Must(err)
			interop.Must(self.Kill())
			<-ctx.Done()
		}
		toil(n, false)
		_, err := fmt.Fprintln(done, n)
		toil(n, true)
		return err
	}, &pipeline.Options{Prefetch: s.Prefetch})
	interop.Must(err)
	say("ready")
	close(ready)
	for range told {
	}
}

// runStage is a process that turns chores into outputs. It acknowledges a chore when its output is acknowledged.
func runStage(s *spec, told <-chan string) {
	b, _ := open(zmq.Options{Pull: zmq.Connect(s.Connect[0]), Push: zmq.Connect(s.Connect[1])})
	out, err := pipeline.NewProducer(b, outputs, nil)
	interop.Must(err)
	_, err = pipeline.NewWorker(b, chores, func(ctx context.Context, n int) error {
		toil(n, false)
		if err := out.Send(ctx, n); err != nil {
			return err
		}
		toil(n, true)
		return out.Wait(ctx)
	}, &pipeline.Options{Prefetch: s.Prefetch, Workers: s.Workers})
	interop.Must(err)
	say("ready")
	for range told {
	}
}

// life is one process of a worker, and what it did.
type life struct {
	*child
	killed bool
}

// crew are workers in processes of their own, of which one after the other is killed and started again.
type crew struct {
	t     *testing.T
	dir   string
	spec  spec
	lives []*life // all that there were
	now   []*life // those that live
}

// newCrew starts so many workers.
func newCrew(t *testing.T, n int, s spec) *crew {
	t.Helper()
	c := &crew{t: t, dir: t.TempDir(), spec: s}
	for range n {
		c.now = append(c.now, c.start())
	}
	return c
}

func (c *crew) start() *life {
	c.t.Helper()
	s := c.spec
	s.File = filepath.Join(c.dir, strconv.Itoa(len(c.lives)))
	l := &life{child: start(c.t, s)}
	c.lives = append(c.lives, l)
	return l
}

// kill kills one after the other and starts it again, until done is closed.
func (c *crew) kill(every time.Duration, done <-chan struct{}) {
	c.t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for victim := 0; ; victim = (victim + 1) % len(c.now) {
		select {
		case <-done:
			return
		case <-tick.C:
			c.replace(victim)
		}
	}
}

// replace kills a worker and starts it again.
func (c *crew) replace(victim int) {
	c.t.Helper()
	c.now[victim].Kill()
	c.now[victim].killed = true
	c.now[victim] = c.start()
}

// kills counts those that were killed.
func (c *crew) kills() (n int) {
	for _, l := range c.lives {
		if l.killed {
			n++
		}
	}
	return n
}

// did returns what a life has done, in order.
func (l *life) did() (tasks []int) {
	l.t.Helper()
	f, err := os.Open(l.spec.File)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			l.t.Fatal(err)
		}
		tasks = append(tasks, n)
	}
	if lines.Err() != nil {
		l.t.Fatal(lines.Err())
	}
	return tasks
}
