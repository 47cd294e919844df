//go:build unix

package interop_test

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/fanfare-go/fanfare/internal/faketb"
)

// A program that is paused does nothing, and goes on when it is let.
func TestPause(t *testing.T) {
	t.Parallel()
	p := sh(t, "while read line; do echo heard $line; done")
	p.Pause()
	out, err := exec.Command("ps", "-o", "state=", "-p", fmt.Sprint(p.PID())).Output()
	if err != nil || !strings.HasPrefix(string(out), "T") {
		t.Errorf("%q, %v", out, err)
	}
	p.Tell("you")
	p.Resume()
	if got := p.Line(); got != "heard you" {
		t.Errorf("%q", got)
	}
	p.Pause()
	p.Kill() // also one that is paused
	if err := p.Wait(); !ended(err, syscall.SIGKILL) {
		t.Error(err)
	}
	failures := faketb.Run(t, func(t testing.TB) {
		p := sh(t, "exit 0")
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		p.Pause()
	}).Failures
	if want := "sh was not stopped: os: process already finished\n"; !strings.HasPrefix(failures, want) {
		t.Errorf("%q, want %q", failures, want)
	}
}
