package interop_test

import (
	"os/exec"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
)

// A program ends when it is told to, at any time, and however much it has to say.
func TestProcess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*interop.Process){"kill": (*interop.Process).Kill, "terminate": (*interop.Process).Terminate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := interop.Start(t, exec.Command("/bin/sh", "-c", "echo ready one two; echo line; exec yes"))
			if words := p.Ready(); !slices.Equal(words, []string{"one", "two"}) {
				t.Errorf("%q", words)
			}
			if line := p.Line(); line != "line" {
				t.Errorf("%q", line)
			}
			end(p)
			end(p)
		})
	}
}

func TestProcessIsTold(t *testing.T) {
	t.Parallel()
	p := interop.Start(t, exec.Command("/bin/sh", "-c", "while read line; do echo heard $line; done"))
	for _, line := range []string{"one", "two"} {
		p.Tell(line)
		if got := p.Line(); got != "heard "+line {
			t.Errorf("%q", got)
		}
	}
	p.Kill()
	p.Tell("three")
}
