package bustest

import "testing/synctest"

// Expect waits for events that the matchers expect, in their order; others may come before, between and after them. It returns those
// that were expected. It fails the test, with what did come, when they are not there within 10 s.
func (r *Recorder[T]) Expect(matchers ...Matcher[T]) []Seen[T] {
	r.t.Helper()
	if len(matchers) == 0 {
		r.t.Fatalf("Expect has no matchers, so it expects nothing")
	}
	passed, next := r.passedNow(), 0 // next is the first event that was not looked at, in what is left
	var found []int
	ok := r.await(func(events []Seen[T]) bool {
		for left := events[passed:]; next < len(left) && len(found) < len(matchers); next++ {
			if matchers[len(found)].Differs(left[next]) == "" {
				found = append(found, next)
			}
		}
		return len(found) == len(matchers)
	})
	came := r.rest()
	if !ok {
		r.t.Fatalf("%d of %s came %s%s", len(found), count(len(matchers), "expected event"), r.limit(), r.among(matchers, found, came))
	}
	events := make([]Seen[T], len(found))
	for i, at := range found {
		events[i] = came[at]
	}
	r.pass(found[len(found)-1] + 1)
	return events
}

// ExpectExactly waits for as many events as there are matchers, and fails the test unless each is what the matcher in its place expects, and
// no other event has come: see [Recorder.ExpectNone] for what that means.
func (r *Recorder[T]) ExpectExactly(matchers ...Matcher[T]) []Seen[T] {
	r.t.Helper()
	passed, same := r.passedNow(), 0 // same counts the events that are what is expected
	enough := r.await(func(events []Seen[T]) bool {
		left := events[passed:]
		for same < min(len(left), len(matchers)) && matchers[same].Differs(left[same]) == "" {
			same++
		}
		return same < len(left) || same == len(matchers)
	})
	if enough {
		r.settle()
	}
	came := r.rest()
	if same < len(matchers) || len(came) > same {
		within := ""
		if !enough {
			within = " " + r.limit()
		}
		r.t.Fatalf("%s came%s, expected exactly %d%s", count(len(came), "event"), within, len(matchers), r.exactly(matchers, came))
	}
	r.pass(same)
	return came
}

// ExpectNone fails the test if an event has come that any of the matchers expects, or any at all without matchers. It knows of everything that
// was published on the recorder's bus before the call. In a synctest bubble it waits until every goroutine of the bubble waits, so that
// nothing is under way any more. Events of other processes may still be on their way: let one follow that you expect, and wait for that.
func (r *Recorder[T]) ExpectNone(matchers ...Matcher[T]) {
	r.t.Helper()
	r.settle()
	var wrong []string
	for _, s := range r.rest() {
		if len(matchers) == 0 {
			wrong = append(wrong, line(s, "was not expected"))
		}
		for i, m := range matchers {
			if m.Differs(s) == "" {
				wrong = append(wrong, line(s, "is", number(i, m)))
				break
			}
		}
	}
	if len(wrong) > 0 {
		r.t.Fatalf("%s came, not expected%s", count(len(wrong), "event"), r.report(wrong))
	}
}

// idle waits until every other goroutine of the bubble waits, and reports whether the caller is in a bubble.
func idle() (inBubble bool) {
	defer func() { _ = recover() }() // outside of a bubble, and while another goroutine waits for the same, Wait panics
	synctest.Wait()
	return true
}

// passedNow counts the events that Expect and the others have passed.
func (r *Recorder[T]) passedNow() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed
}

// rest returns what Expect and the others have not passed yet.
func (r *Recorder[T]) rest() []Seen[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Seen[T](nil), r.events[r.passed:]...)
}

// pass leaves the first n events of the rest behind.
func (r *Recorder[T]) pass(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.passed += n
}
