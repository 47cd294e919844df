package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
)

// maxPayload is how long a payload may be that is read from stdin or from a command: what a message may have, less room for its
// topic and envelope.
const maxPayload = 63 << 20

// tooLong says that a payload is longer than that.
type tooLong struct{ what string }

func (e *tooLong) Error() string {
	return fmt.Sprintf("%s is longer than %d bytes", e.what, maxPayload)
}

// repeat yields payload count times.
func repeat(payload []byte, count uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for range count {
			if !yield(payload, nil) {
				return
			}
		}
	}
}

// lines yields the lines of r, without their ends, until ctx ends. It yields an error when r has one.
func lines(ctx context.Context, r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		read := make(chan []byte, 64)
		var failure error // set before read is closed
		go func() {       // reading cannot be interrupted: the goroutine ends with the next line or with the process
			defer close(read)
			failure = scan(ctx, r, read)
		}()
		for {
			select {
			case line, more := <-read:
				if more {
					if !yield(line, nil) {
						return
					}
					continue
				}
				if failure != nil {
					yield(nil, failure)
				}
				return
			case <-ctx.Done():
				yield(nil, interruption(ctx))
				return
			}
		}
	}
}

// scan sends the lines of r to read until ctx ends.
func scan(ctx context.Context, r io.Reader, read chan<- []byte) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxPayload)
	n := 0
	for scanner.Scan() {
		n++
		select {
		case read <- bytes.Clone(scanner.Bytes()):
		case <-ctx.Done():
			return nil
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("line %d of stdin: %w", n+1, err)
	}
	return nil
}

// whole returns all of r as one payload. When ctx ends first, the error says why.
func whole(ctx context.Context, r io.Reader) ([]byte, error) {
	var payload []byte
	var failure error
	read := make(chan struct{})
	go func() { // reading cannot be interrupted: the goroutine ends with the input or with the process
		defer close(read)
		payload, failure = io.ReadAll(io.LimitReader(r, maxPayload+1))
	}()
	select {
	case <-read:
	case <-ctx.Done():
		return nil, interruption(ctx)
	}
	switch {
	case failure != nil:
		return nil, fmt.Errorf("stdin: %w", failure)
	case len(payload) > maxPayload:
		return nil, &tooLong{"stdin"}
	}
	return payload, nil
}
