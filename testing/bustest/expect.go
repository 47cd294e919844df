package bustest

import "testing/synctest"

// Expect waits for events that the matchers expect, in their order; others may come before, between and after them. It returns those
// that were expected. It fails the test, with what did come, when they are not there within 10 s.
func (r *Recorder[T]) Expect(matchers ...Matcher[T]) []Seen[T] {
	r.t.Helper()
	if len(matchers) == 0 {
		r.t.Fatalf("Expect has no matchers, so it expects nothing")
	}
	var found []int
	ok := r.await(func() bool {
		found = r.find(matchers)
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
	if len(found) > 0 {
		r.pass(found[len(found)-1] + 1)
	}
	return events
}

// find returns where in the rest the first events are that the matchers expect, as many as there are. The caller holds mu.
func (r *Recorder[T]) find(matchers []Matcher[T]) (found []int) {
	rest := r.events[r.passed:]
	for i := 0; i < len(rest) && len(found) < len(matchers); i++ {
		if matchers[len(found)].Differs(rest[i]) == "" {
			found = append(found, i)
		}
	}
	return found
}

// ExpectExactly waits for as many events as there are matchers, and fails the test unless each is what the matcher in its place expects, and
// no other event has come: see [Recorder.ExpectNone] for what that means.
func (r *Recorder[T]) ExpectExactly(matchers ...Matcher[T]) []Seen[T] {
	r.t.Helper()
	if r.await(func() bool { return len(r.events)-r.passed >= len(matchers) }) {
		r.settle()
	}
	came := r.rest()
	if len(came) != len(matchers) || differ(matchers, came) {
		r.t.Fatalf("%s came, expected exactly %d%s", count(len(came), "event"), len(matchers), r.exactly(matchers, came))
	}
	r.pass(len(came))
	return came
}

// differ reports whether one of the events is not what the matcher in its place expects.
func differ[T any](matchers []Matcher[T], came []Seen[T]) bool {
	for i, s := range came {
		if matchers[i].Differs(s) != "" {
			return true
		}
	}
	return false
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
