package bustest

import (
	"fmt"
	"strings"
	"time"
)

// line is one of a report: an event, and what is to be said about it.
func line[T any](s Seen[T], about ...string) string {
	return strings.TrimRight(fmt.Sprintf("+%v\t%v\t%s", s.After.Round(time.Microsecond), s.Event, strings.Join(about, " ")), "\t")
}

// count says how many.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// number names a matcher by its place.
func number[T any](i int, m Matcher[T]) string { return fmt.Sprintf("%d. %s", i+1, m.Want) }

// verdict says whether an event is what a matcher expects.
func verdict[T any](s Seen[T], i int, m Matcher[T]) string {
	if problem := m.Differs(s); problem != "" {
		return line(s, "is not", number(i, m)+":", problem)
	}
	return line(s, "is", number(i, m))
}

// missing are the lines of matchers for which no event came.
func missing[T any](matchers []Matcher[T], from int) (lines []string) {
	for i := from; i < len(matchers); i++ {
		lines = append(lines, "missing\t"+number(i, matchers[i]))
	}
	return lines
}

// before has the lines of what Expect and the others have passed.
func (r *Recorder[T]) before() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.events[:r.passed] {
		lines = append(lines, line(s, "was passed before"))
	}
	return lines
}

// among reports on events of which those at found were expected.
func (r *Recorder[T]) among(matchers []Matcher[T], found []int, came []Seen[T]) string {
	lines := r.before()
	next := 0
	for at, s := range came {
		if next < len(matchers) {
			lines = append(lines, verdict(s, next, matchers[next]))
		} else {
			lines = append(lines, line(s))
		}
		if next < len(found) && found[next] == at {
			next++
		}
	}
	return r.report(append(lines, missing(matchers, len(found))...))
}

// exactly reports on events that should be the expected ones and no others.
func (r *Recorder[T]) exactly(matchers []Matcher[T], came []Seen[T]) string {
	lines := r.before()
	for i, s := range came {
		if i < len(matchers) {
			lines = append(lines, verdict(s, i, matchers[i]))
		} else {
			lines = append(lines, line(s, "was not expected"))
		}
	}
	return r.report(append(lines, missing(matchers, len(came))...))
}

// came reports on everything that was recorded.
func (r *Recorder[T]) came() string {
	var lines []string
	for _, s := range r.Seen() {
		lines = append(lines, line(s))
	}
	return r.report(lines)
}

// listed is how many lines a report has, at most.
const listed = 100

// report makes a text of lines, to follow what they are about, with what could not be recorded.
func (r *Recorder[T]) report(lines []string) string {
	r.mu.Lock()
	for _, err := range r.bad {
		lines = append(lines, "not recorded\t"+err.Error())
	}
	r.mu.Unlock()
	if len(lines) == 0 {
		return ": none came"
	}
	var b strings.Builder
	b.WriteByte(':')
	if more := len(lines) - listed; more > 0 {
		fmt.Fprintf(&b, "\n\t(%d lines before)", more)
		lines = lines[more:]
	}
	for _, l := range lines {
		b.WriteString("\n\t" + strings.ReplaceAll(l, "\n", "\n\t\t"))
	}
	return b.String()
}
