package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds a test that would otherwise hang. The example has a limit of its own.
const patience = time.Minute

// build returns the example as a program.
func build(t *testing.T) *exec.Cmd {
	t.Helper()
	program := filepath.Join(t.TempDir(), "quickstart")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, program)
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	out, err := build(t).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
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
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("nothing matches %s in\n%s", want, out)
		}
	}
}

// TestLostService kills a service in the middle: the example must not hang, and must not call that a success.
func TestLostService(t *testing.T) {
	t.Parallel()
	program := build(t)
	var complaints strings.Builder
	program.Stderr = &complaints
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ready := regexp.MustCompile(`^billing \| ready, as process (\d+)$`)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			kill(t, m[1])
		}
	}
	if err := program.Wait(); err == nil || program.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v, want exit code 1", err)
	}
	if want := "billing: signal: killed"; !strings.Contains(complaints.String(), want) {
		t.Errorf("stderr is %q, want %q in it", complaints.String(), want)
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
