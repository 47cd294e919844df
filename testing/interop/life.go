package interop

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// leftover is how long the output of a process that has ended is read on, in case that other processes which it has started hold it.
const leftover = time.Second

// life is one process, from its start to its end.
type life struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *transcript
	stderr tail
	read   chan struct{} // closed when its output has been read
	ended  chan struct{} // closed when it has ended and all of its output has been read
	err    error         // how it has ended, as of exec.Cmd.Wait
}

// begin starts a command. Two goroutines belong to it, which end with the process: who ends that waits for ended.
func begin(cmd *exec.Cmd) (*life, error) {
	l := &life{cmd: cmd, stdout: newTranscript(), read: make(chan struct{}), ended: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// A pipe of our own outlives exec.Cmd.Wait: so its end is known before its output has been read.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	l.stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = stdin, w, &l.stderr, leftover
	err = cmd.Start()
	_ = w.Close()
	if err != nil { // Start has closed its pipes
		return nil, errors.Join(err, r.Close())
	}
	go func() {
		defer close(l.read)
		l.stdout.record(r)
	}()
	go l.wait(r)
	return l, nil
}

// wait waits for the end.
func (l *life) wait(stdout *os.File) {
	defer close(l.ended)
	l.err = l.cmd.Wait()
	l.stdout.release() // what can come now is what a pipe holds
	_ = stdout.SetReadDeadline(time.Now().Add(leftover))
	<-l.read
	_ = stdout.Close()
	if l.err == nil && errors.Is(l.stdout.overflow(), os.ErrDeadlineExceeded) {
		l.err = exec.ErrWaitDelay
	}
}

// ends waits for the end, and reports whether that has come in time. Nothing that is still printed has to wait for its reader.
func (l *life) ends(within time.Duration) bool {
	l.stdout.release()
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	select {
	case <-l.ended:
		return true
	case <-timeout.C:
		return false
	}
}

// over reports whether it has ended.
func (l *life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// outcome returns how it has ended, in words.
func (l *life) outcome() string {
	switch {
	case !l.over():
		return "still running"
	case errors.Is(l.err, exec.ErrWaitDelay):
		return "exit status 0, but a process that it has started holds its output"
	case l.err != nil:
		return l.err.Error()
	}
	return fmt.Sprint(l.cmd.ProcessState)
}

// silence returns why there are no more lines, after that error of the transcript.
func (l *life) silence(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("cannot be read: %w", err)
	}
	closing := time.NewTimer(leftover)
	defer closing.Stop()
	select {
	case <-l.ended:
		return fmt.Errorf("has ended (%s)", l.outcome())
	case <-closing.C:
		return errors.New("has closed its standard output")
	}
}
