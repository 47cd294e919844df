package bustest

import (
	"fmt"
	"strings"
	"time"
)

// Behavior is what a fake does with one event, request or task: [Succeed], [Fail], [FailTimes], [Block], [Panic], [Take], or one of these for all
// that follow, [Always]. The zero Behavior is Succeed.
//
// A script is a list of them, and the last arguments of every fake: the first is for the first event, the second for the next other one, and so
// on. After the end of the script all succeed. Events are told apart by their IDs, so that another attempt at an event goes on with the
// behaviour of that event. What has no ID is a new event each time, as are requests, and what is published or sent without an ID of its own;
// but while the behaviour of the one before is FailTimes and has not succeeded, it is another attempt at that.
//
// A fake whose script has a mistake, such as a nil error, fails the test where it is made. At the end of the test it fails when behaviours of its
// script were not used, or FailTimes not to its end, unless the test has failed already: Always need not be.
type Behavior struct {
	action action
	always bool
	times  int // that it fails: 0 unless it is FailTimes
	takes  time.Duration
	err    error
	value  any
	fault  string // what is wrong with it
}

type action uint8

const (
	actSucceed action = iota
	actFail
	actFailTimes
	actBlock
	actPanic
	actTake
)

// Succeed does what a fake does without a script, at once.
func Succeed() Behavior { return Behavior{} }

// Fail fails with err, which is not nil, in every attempt at the event.
func Fail(err error) Behavior { return Behavior{action: actFail, err: err, fault: nilFault(err)} }

// FailTimes fails with err, which is not nil, in the first n attempts at the event, and succeeds in the next one. n is at least 0.
func FailTimes(n int, err error) Behavior {
	b := Behavior{action: actFailTimes, times: n, err: err, fault: nilFault(err)}
	if n < 0 {
		b.fault = "it cannot fail less than 0 times"
	}
	return b
}

func nilFault(err error) string {
	if err == nil {
		return "the error is nil: there is Succeed"
	}
	return ""
}

// Block waits until the fake's Release, or the end of the test, and succeeds. When the context ends before, that is the error.
func Block() Behavior { return Behavior{action: actBlock} }

// Panic panics with v, which is not nil, in every attempt at the event.
func Panic(v any) Behavior {
	b := Behavior{action: actPanic, value: v}
	if v == nil {
		b.fault = "the value is nil"
	}
	return b
}

// Take takes the time d, at least 0, and succeeds. When the context ends before, that is the error. In a bubble of testing/synctest the time is
// virtual, and nothing has to wait for it.
func Take(d time.Duration) Behavior {
	b := Behavior{action: actTake, takes: d}
	if d < 0 {
		b.fault = "it cannot take less than no time"
	}
	return b
}

// Always does b for each event that follows, to the end of the test. It is the last of its script.
func Always(b Behavior) Behavior {
	b.always = true
	return b
}

// String is how it is written.
func (b Behavior) String() string {
	var s string
	switch b.action {
	case actSucceed:
		s = "Succeed()"
	case actFail:
		s = fmt.Sprintf("Fail(%v)", b.err)
	case actFailTimes:
		s = fmt.Sprintf("FailTimes(%d, %v)", b.times, b.err)
	case actBlock:
		s = "Block()"
	case actPanic:
		s = fmt.Sprintf("Panic(%v)", b.value)
	case actTake:
		s = fmt.Sprintf("Take(%v)", b.takes)
	}
	if b.always {
		s = "Always(" + s + ")"
	}
	return s
}

// script is how far a fake has come in its script.
type script struct {
	behaviors []Behavior
	used      int // of them; one that is Always does not count
	courses   map[string]*course
	open      *course   // of what has no ID, while it has to fail again
	begun     []*course // those that are FailTimes
}

// course is what one event meets.
type course struct {
	behavior Behavior
	attempts int
}

// fault returns what is wrong with the script, "" if nothing is.
func (s *script) fault() string {
	for i, b := range s.behaviors {
		switch {
		case b.fault != "":
			return fmt.Sprintf("behaviour %d of the script, %v: %s", i+1, b, b.fault)
		case b.always && i < len(s.behaviors)-1:
			return fmt.Sprintf("behaviour %d of the script, %v: %v after it is never reached", i+1, b, s.behaviors[i+1])
		}
	}
	return ""
}

// next returns what the event with that ID meets now, and which attempt at it that is.
func (s *script) next(id string) (b Behavior, attempt int) {
	c := s.open
	if id != "" {
		c = s.courses[id]
	}
	if c == nil {
		c = &course{behavior: s.take()}
		if c.behavior.times > 0 {
			s.begun = append(s.begun, c)
		}
		if id != "" {
			if s.courses == nil {
				s.courses = map[string]*course{}
			}
			s.courses[id] = c
		}
	}
	c.attempts++
	if id == "" {
		s.open = nil
		if c.attempts <= c.behavior.times {
			s.open = c
		}
	}
	return c.behavior, c.attempts
}

// take returns the behaviour of a new event.
func (s *script) take() (b Behavior) {
	if s.used < len(s.behaviors) {
		b = s.behaviors[s.used]
		if !b.always {
			s.used++
		}
	}
	return b
}

// unused says which behaviours no event has come for, or not often enough, "" if there are none.
func (s *script) unused() string {
	all := s.behaviors
	if n := len(all); n > 0 && all[n-1].always {
		all = all[:n-1]
	}
	var left []string
	for _, b := range all[s.used:] {
		left = append(left, b.String())
	}
	var problems []string
	if len(left) > 0 {
		problems = append(problems, fmt.Sprintf("%d of %d behaviours were not used, %s", len(left), len(all), strings.Join(left, ", ")))
	}
	for _, c := range s.begun {
		if c.attempts <= c.behavior.times && !c.behavior.always {
			problems = append(problems, fmt.Sprintf("%v was not tried again after attempt %d", c.behavior, c.attempts))
		}
	}
	return strings.Join(problems, "; ")
}
