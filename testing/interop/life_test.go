package interop

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"
)

// A process that has ended is known to have, also when nobody has read what it said: and then all of that can be.
func TestLifeEndsUnread(t *testing.T) {
	t.Parallel()
	const n = 2 * unreadLines // less than a pipe holds
	l, err := begin(exec.Command("seq", "1", fmt.Sprint(n)))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.ended:
	case <-Patient(t).Done():
		l.stdout.release()
		t.Fatal("it does not end")
	}
	for i := range n {
		if line, _, err := l.stdout.take(); line != fmt.Sprint(i+1) || err != nil {
			t.Fatalf("%q after %d lines: %v", line, i, err)
		}
	}
	if _, _, err := l.stdout.take(); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
