package bustest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fakeTB is the test that a helper believes to be in: it may fail without the true test failing.
type fakeTB struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	logged   []string
	failures []string
	cleanups []func()
}

// run calls f as the body of a test, then the cleanups, each as the testing package does it. It returns the failures.
func (f *fakeTB) run(body func(t testing.TB)) (failures string) {
	var end context.CancelFunc
	f.ctx, end = context.WithCancel(f.TB.Context())
	f.step(func() { body(f) })
	end()
	for _, cleanup := range slices.Backward(f.cleanups) {
		f.step(cleanup)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.failures, "\n")
}

// step calls f in a goroutine of its own, which Fatalf may end.
func (f *fakeTB) step(call func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	<-done
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Context() context.Context { return f.ctx }

func (f *fakeTB) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.failures) > 0
}

func (f *fakeTB) Cleanup(cleanup func()) { f.cleanups = append(f.cleanups, cleanup) }

func (f *fakeTB) Log(args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logged = append(f.logged, fmt.Sprint(args...))
}

func (f *fakeTB) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}
