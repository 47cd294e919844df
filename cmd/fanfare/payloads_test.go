package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLinesAreKept(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 10000 { // more than the buffer that reads them holds
		fmt.Fprintf(&text, "line %d\n", i)
	}
	var kept [][]byte
	for line, err := range lines(context.Background(), strings.NewReader(text.String())) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, line)
	}
	if got := string(bytes.Join(kept, []byte("\n"))) + "\n"; got != text.String() {
		t.Error("the lines have changed after they were read")
	}
}

// endless reads as one line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestLineTooLong(t *testing.T) {
	t.Parallel()
	input := io.MultiReader(strings.NewReader("short\n"), endless{})
	var got int
	for _, err := range lines(context.Background(), input) {
		if err == nil {
			got++
			continue
		}
		if want := "line 2 of stdin: "; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if got != 1 {
			t.Errorf("%d lines before it, want 1", got)
		}
		return
	}
	t.Error("ended without an error")
}

func TestLinesEndWithTheContext(t *testing.T) {
	t.Parallel()
	silent, w := io.Pipe()
	defer w.Close() // ends the goroutine that reads
	ctx, interrupt := context.WithCancel(context.Background())
	interrupt()
	for _, err := range lines(ctx, silent) {
		if !errors.Is(err, errInterrupted) {
			t.Errorf("got %v, want %v", err, errInterrupted)
		}
	}
}

func TestWholeTooLong(t *testing.T) {
	t.Parallel()
	if _, err := whole(context.Background(), endless{}); err == nil || !strings.HasPrefix(err.Error(), "stdin is longer than ") {
		t.Errorf("got %v", err)
	}
}

func TestWholeFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	if _, err := whole(context.Background(), iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestWholeEndsWithTheContext(t *testing.T) {
	t.Parallel()
	silent, w := io.Pipe()
	defer w.Close() // ends the goroutine that reads
	ctx, interrupt := context.WithCancel(context.Background())
	interrupt()
	if _, err := whole(ctx, silent); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want %v", err, errInterrupted)
	}
}
