package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
)

// maxLine is the longest line of stdin that becomes an event: what a message may have, less room for its topic and envelope.
const maxLine = 63 << 20

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
	scanner.Buffer(nil, maxLine)
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
