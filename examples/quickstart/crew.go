package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"os/exec"
	"time"
)

// crew are the services: processes of this same program, each with its role as the first argument.
type crew struct {
	ctx     context.Context // its end interrupts them
	inbox   chan message
	running int
}

// message is a report of a service, or its end.
type message struct {
	report
	from    string
	ended   bool
	failure error // why it ended, when that was not in good order
}

func newCrew(ctx context.Context) *crew { return &crew{ctx: ctx, inbox: make(chan message, 64)} }

// start starts a service.
func (c *crew) start(role string, args ...string) {
	c.running++
	go func() {
		err := c.run(role, append([]string{role}, args...))
		c.inbox <- message{from: role, ended: true, failure: err}
	}()
}

// messages yields what the services report until all have ended.
func (c *crew) messages() iter.Seq[message] {
	return func(yield func(message) bool) {
		for c.running > 0 {
			m := <-c.inbox
			if m.ended {
				c.running--
			}
			if !yield(m) {
				return
			}
		}
	}
}

// run runs a service to its end.
func (c *crew) run(role string, args []string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	service := exec.CommandContext(c.ctx, program, args...)
	service.Cancel = func() error { return service.Process.Signal(os.Interrupt) }
	service.WaitDelay = 2 * time.Second // then it is killed
	service.Stderr = os.Stderr
	stdout, err := service.StdoutPipe()
	if err != nil {
		return err
	}
	if err := service.Start(); err != nil {
		return err
	}
	err = c.read(role, stdout)
	return errors.Join(service.Wait(), err)
}

// read passes the reports of a service on until there are no more.
func (c *crew) read(role string, stdout io.Reader) error {
	reports := json.NewDecoder(stdout)
	for {
		m := message{from: role}
		err := reports.Decode(&m.report)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c.inbox <- m
	}
}
