package interop_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// doomed is a test that may fail, inside of one that wants to know how.
type doomed struct {
	testing.TB // the test around it, for what has to be true

	mu                 sync.Mutex
	failures, messages []string
	after              []func()
}

// fails runs a body as a test, with what it leaves for the end. It returns what the failures say, and what was logged.
func fails(t testing.TB, body func(t testing.TB)) (failures, logged string) {
	d := &doomed{TB: t}
	d.apart(func() { body(d) })
	for _, f := range slices.Backward(d.after) {
		d.apart(f)
	}
	return strings.Join(d.failures, "\n"), strings.Join(d.messages, "\n")
}

// apart calls f where Fatalf can end it.
func (d *doomed) apart(f func()) {
	var call sync.WaitGroup
	call.Go(f)
	call.Wait()
}

func (d *doomed) Helper() {}

func (d *doomed) Cleanup(f func()) { d.after = append(d.after, f) }

func (d *doomed) Failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.failures) > 0
}

func (d *doomed) Logf(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.messages = append(d.messages, fmt.Sprintf(format, args...))
}

func (d *doomed) Errorf(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures = append(d.failures, fmt.Sprintf(format, args...))
}

func (d *doomed) Fatalf(format string, args ...any) {
	d.Errorf(format, args...)
	runtime.Goexit()
}

func (d *doomed) Fatal(args ...any) { d.Fatalf("%s", fmt.Sprint(args...)) }
