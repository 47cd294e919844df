package bustest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/topic"
)

// double is what all fakes have in common: a script, and a log of the calls. No lock is held while a call goes on.
type double[T any] struct {
	t     testing.TB
	what  string // for failures: which fake it is
	start time.Time

	mu       sync.Mutex
	script   script
	waits    script // of Wait for tasks
	attempts []Attempt[T]
	blocked  []chan struct{} // by how long they are
	changed  change.Signal   // an attempt has begun or ended
}

func newDouble[T any](t testing.TB, what string, behaviors []Behavior) *double[T] {
	t.Helper()
	d := &double[T]{t: t, what: what, start: time.Now()}
	d.script.behaviors = slices.Clone(behaviors)
	if fault := d.script.fault(); fault != "" {
		t.Fatalf("%s", fault)
	}
	t.Cleanup(func() {
		t.Helper() // what it reports is about the line that has made the fake
		d.finish()
	})
	return d
}

// finish reports what is left of the scripts. It waits for what is still queued: a bus that was made before the fake ends after it.
func (d *double[T]) finish() {
	d.t.Helper()
	if d.t.Failed() || d.t.Skipped() {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		changed := d.changed.Next()
		d.mu.Lock()
		calls, waits := d.script.unused(), d.waits.unused()
		d.mu.Unlock()
		if calls+waits == "" {
			return
		}
		select {
		case <-changed:
			continue
		case <-timer.C:
		}
		if calls != "" {
			d.t.Errorf("%s: %s; %s", d.what, calls, d.log())
		}
		if waits != "" {
			d.t.Errorf("%s, OnWait: %s; %s", d.what, waits, d.log())
		}
		return
	}
}

// Seen returns all calls so far in the order in which they began, also those that are running. The slice is the caller's.
func (d *double[T]) Seen() []Attempt[T] {
	return d.those(Attempt[T].call)
}

// WaitRunning waits until n calls are running at the same time, as with [Block] and [Take], and returns those that are. It fails the test,
// with what was seen, when they are not within 10 s.
func (d *double[T]) WaitRunning(n int) []Attempt[T] {
	d.t.Helper()
	return d.await(n, "calls are running", Attempt[T].Running)
}

// Release lets all calls go on that are blocked now. It fails the test if there are none: see WaitRunning.
func (d *double[T]) Release() {
	d.t.Helper()
	d.release(func(blocked int) int { return max(blocked, 1) })
}

// ReleaseNext lets the n calls go on that are blocked for longest. It fails the test if there are fewer: see WaitRunning.
func (d *double[T]) ReleaseNext(n int) {
	d.t.Helper()
	d.release(func(int) int { return max(n, 0) })
}

func (d *double[T]) release(count func(blocked int) int) {
	d.t.Helper()
	if n, blocked := d.open(count); n > blocked {
		d.t.Fatalf("%d of %d calls to release are blocked; %s", blocked, n, d.log())
	}
}

// open lets as many calls go on as count says, unless fewer are blocked.
func (d *double[T]) open(count func(blocked int) int) (n, blocked int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	blocked = len(d.blocked)
	if n = count(blocked); n > blocked {
		return n, blocked
	}
	for _, gate := range d.blocked[:n] {
		close(gate)
	}
	d.blocked = slices.Delete(d.blocked, 0, n)
	return n, blocked
}

// await waits until n of the attempts are as they have to be, and returns all that are.
func (d *double[T]) await(n int, what string, are func(Attempt[T]) bool) []Attempt[T] {
	d.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		changed := d.changed.Next()
		those := d.those(are)
		if len(those) >= n {
			return those
		}
		select {
		case <-changed:
		case <-timer.C:
			d.t.Fatalf("%d of %d %s after %v; %s", len(those), n, what, patience, d.log())
			return those
		}
	}
}

// those returns the attempts that are so.
func (d *double[T]) those(are func(Attempt[T]) bool) (those []Attempt[T]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.attempts {
		if are(a) {
			those = append(those, a)
		}
	}
	return those
}

// log lists the attempts, with when they began.
func (d *double[T]) log() string {
	all := d.those(func(Attempt[T]) bool { return true })
	if len(all) == 0 {
		return "nothing was called"
	}
	var s strings.Builder
	s.WriteString("seen:")
	for _, a := range all[:min(listed, len(all))] {
		fmt.Fprintf(&s, "\n\t+%v %v", a.Begin.Sub(d.start).Round(time.Microsecond), a)
	}
	if more := len(all) - listed; more > 0 {
		fmt.Fprintf(&s, "\n\tand %d more", more)
	}
	return s.String()
}

// errExited is how a call ends whose goroutine has ended, as with Fatal.
var errExited = errors.New("bustest: the goroutine has ended")

// call does with e what the script says, and act where that is to succeed, and remembers it as a. What act makes of e is remembered.
func (d *double[T]) call(ctx context.Context, s *script, a Attempt[T], e *topic.Event[T], act func() error) error {
	a.Event = *e
	i, b, n, gate := d.begin(s, a)
	err := errExited
	defer func() {
		value := recover()
		d.end(i, gate, *e, err, value)
		if value != nil {
			panic(value)
		}
	}()
	failed := d.behave(ctx, b, n, gate)
	if failed == nil && act != nil {
		failed = act()
	}
	err = failed
	return err
}

// begin notes that a call begins. A call that is to block is in the list before anybody can know of it.
func (d *double[T]) begin(s *script, a Attempt[T]) (index int, b Behavior, n int, gate chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, n = s.next(identity(a.Event.Topic(), a.Event.ID()))
	if a.Number == 0 {
		a.Number = n
	}
	a.Begin = time.Now()
	d.attempts = append(d.attempts, a)
	if b.action == actBlock {
		gate = make(chan struct{})
		d.blocked = append(d.blocked, gate)
	}
	d.changed.Tell()
	return len(d.attempts) - 1, b, n, gate
}

// identity tells events apart: topics may use the same IDs.
func identity(topic, id string) string {
	if id == "" {
		return ""
	}
	return topic + "\x00" + id
}

// behave is what b says of the nth attempt.
func (d *double[T]) behave(ctx context.Context, b Behavior, n int, gate <-chan struct{}) error {
	var timeout <-chan time.Time
	switch b.action {
	case actFail:
		return b.err
	case actFailTimes:
		if n <= b.times {
			return b.err
		}
		return nil
	case actPanic:
		panic(b.value)
	case actSucceed:
		return nil
	case actTake:
		timer := time.NewTimer(b.takes)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-gate:
	case <-timeout:
	case <-d.t.Context().Done(): // the end of the test, before any of its cleanups: those of its buses wait for their handlers
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// end notes how a call has ended.
func (d *double[T]) end(index int, gate chan struct{}, e topic.Event[T], err error, value any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &d.attempts[index]
	a.Event, a.End, a.Panic = e, time.Now(), value
	if value == nil {
		a.Err = err
	}
	d.blocked = slices.DeleteFunc(d.blocked, func(other chan struct{}) bool { return other == gate })
	d.changed.Tell()
}
