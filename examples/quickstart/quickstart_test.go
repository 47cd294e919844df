package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
)

// build returns the path of the example as a program. It has a limit of time of its own.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "quickstart")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	p := interop.Start(t, exec.Command(build(t)))
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	lines, _ := p.Output()
	out := strings.Join(lines, "\n") + "\n" + p.Stderr()
	for _, want := range []string{
		`(?m)^orders  \| listening on tcp://127\.0\.0\.1:\d+$`,
		`(?m)^orders  \| log: ERR event failed error="bus: panic in handler: no rule for order 1313"`,
		`(?m)^billing \| 5000 orders billed`,
		`(?m)^stock   \| orders\.cancelled: order 5000 from eu, 4500 items are reserved$`,
		`(?m)^subscriber +topics +published +delivered +failed +dropped +p50 +p99$`,
		`(?m)^audit +orders\.created +5000 +4999 +1 +0 +\S+s +\S+s$`,
		`(?m)^billing +orders\.created +5000 +5000 +0 +0 +\S+s +\S+s$`,
		`(?m)^stock +orders\. +5500 +5500 +0 +0 +\S+s +\S+s$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("nothing matches %s in\n%s", want, out)
		}
	}
}

// TestLostService kills a service in the middle: the example must not hang, and must not call that a success.
func TestLostService(t *testing.T) {
	t.Parallel()
	p := interop.Start(t, exec.Command(build(t)))
	ready := regexp.MustCompile(`^billing \| ready, as process (\d+)$`)
	kill(t, ready.FindStringSubmatch(p.Find("line with the process of billing", ready.MatchString))[1])
	if failed, ok := errors.AsType[*exec.ExitError](p.Wait()); !ok || failed.ExitCode() != 1 {
		t.Errorf("ended with %v, want exit code 1", p.Wait())
	}
	if want := "billing: signal: killed"; !strings.Contains(p.Stderr(), want) {
		t.Errorf("stderr is %q, want %q in it", p.Stderr(), want)
	}
}

func kill(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Error(err)
	}
}
