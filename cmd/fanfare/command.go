package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

const (
	// parallel is how many commands run at the same time, at most.
	parallel = 16
	// maxTail is how much is kept of what a command has written to stderr, in bytes.
	maxTail = 1 << 10
)

// command is a shell command that is run for each message.
type command struct {
	text string
	name string    // of the call or task, empty without one
	err  io.Writer // its stderr; written to concurrently
}

// commandError says that a command has failed.
type commandError struct {
	err  error
	line string // the last one that it wrote to stderr
}

func (e *commandError) Error() string {
	if e.line == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v: %s", e.err, e.line)
}

func (e *commandError) Unwrap() error { return e.err }

// run runs the command with the payload as its stdin. It returns nil when that exits with 0, else a *commandError, or the error of ctx if
// that has ended before: then the command is killed, and everything that it has started in its process group.
func (c *command) run(ctx context.Context, payload []byte, stdout io.Writer) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", c.text)
	cmd.Env = append(os.Environ(), "FANFARE_NAME="+c.name)
	cmd.Stdin = bytes.NewReader(payload)
	cmd.Stdout = stdout
	end := &tail{w: c.err}
	cmd.Stderr = end
	apart(cmd)
	cmd.WaitDelay = grace // for what it has left in the background, and keeps stdout or stderr open
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay):
		err = errors.New("it has ended, but something in the background keeps its output open")
	}
	return &commandError{err, end.line()}
}

// output runs the command, and returns what it writes to stdout.
func (c *command) output(ctx context.Context, payload []byte) ([]byte, error) {
	var kept capped
	err := c.run(ctx, payload, &kept)
	if kept.over { // then it may have ended by that
		return nil, &tooLong{"the output of the command"}
	}
	return kept.buffer.Bytes(), err
}

// capped keeps what is written up to the length of a payload, and refuses more.
type capped struct {
	buffer bytes.Buffer // not embedded: its ReadFrom would go by no limit
	over   bool
}

func (c *capped) Write(p []byte) (int, error) {
	if c.over = len(p) > maxPayload-c.buffer.Len(); c.over {
		return 0, io.ErrShortWrite
	}
	return c.buffer.Write(p)
}

// tail passes on what is written, and keeps the end of it.
type tail struct {
	w    io.Writer
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - maxTail; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return t.w.Write(p)
}

// line returns the last line that is not empty.
func (t *tail) line() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\uFFFD"))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
