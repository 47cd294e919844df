package bustest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/go-cmp/cmp"
)

// Seen is an event as a [Recorder] got it.
type Seen[T any] struct {
	topic.Event[T]
	// After is when it came, since the recorder began.
	After time.Duration
}

// Matcher is an expectation of one event. The functions of this package make the usual ones; a test may make its own.
type Matcher[T any] struct {
	// Want says in a few words what is expected, for failures.
	Want string
	// Differs returns what about an event is not as expected, "" if everything is.
	Differs func(s Seen[T]) string
}

// Equal expects the value want, by reflect.DeepEqual.
func Equal[T any](want T) Matcher[T] {
	return Matcher[T]{fmt.Sprintf("%+v", want), func(s Seen[T]) string {
		if reflect.DeepEqual(s.Value, want) {
			return ""
		}
		return differs(want, s.Value)
	}}
}

// Like expects a value that go-cmp calls equal to want under the options: those of package cmpopts ignore fields, order, or small differences of
// floats. Types with an Equal method are compared by that, and unexported fields like exported ones unless an option says otherwise.
func Like[T any](want T, options ...cmp.Option) Matcher[T] {
	options = append([]cmp.Option{everything()}, options...)
	return Matcher[T]{fmt.Sprintf("like %+v", want), func(s Seen[T]) string {
		if cmp.Equal(want, s.Value, options...) {
			return ""
		}
		return differs(want, s.Value, options...)
	}}
}

// everything has go-cmp look at unexported fields too, at which it panics otherwise.
func everything() cmp.Option { return cmp.Exporter(func(reflect.Type) bool { return true }) }

// differs shows how two values differ: by themselves when they are short, else by lines.
func differs[T any](want, got T, options ...cmp.Option) string {
	diff := cmp.Diff(want, got, append(options, everything())...)
	w, g := fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", got)
	if diff == "" || len(w)+len(g) < 60 { // reflect and go-cmp do not agree about all values, such as NaN
		return fmt.Sprintf("the value is %s, want %s", g, w)
	}
	diff = strings.ReplaceAll(diff, "\u00a0", " ") // go-cmp puts some in at random, so that nobody relies on its text
	return "the value differs (-want +got):\n" + strings.TrimRight(diff, "\n")
}

// Topic expects an event of that topic.
func Topic[T any](name string) Matcher[T] {
	return text("topic "+name, name, func(s Seen[T]) (what, got string) { return "the topic", s.Topic() })
}

// Header expects a header with that value; "" is one that is not there. Names of headers are in lower case.
func Header[T any](name, value string) Matcher[T] {
	if name != strings.ToLower(name) {
		return Matcher[T]{fmt.Sprintf("header %s: %q", name, value), func(Seen[T]) string {
			return fmt.Sprintf("no event has a header %s: their names are in lower case", name)
		}}
	}
	return text(fmt.Sprintf("header %s: %q", name, value), value, func(s Seen[T]) (what, got string) {
		return "header " + name, s.Header(name)
	})
}

// Key expects an event with that key.
func Key[T any](key string) Matcher[T] {
	return text(fmt.Sprintf("key %q", key), key, func(s Seen[T]) (what, got string) { return "the key", s.Key() })
}

// text expects a text.
func text[T any](describe, want string, find func(s Seen[T]) (what, got string)) Matcher[T] {
	return Matcher[T]{describe, func(s Seen[T]) string {
		what, got := find(s)
		if got == want {
			return ""
		}
		return fmt.Sprintf("%s is %q, want %q", what, got, want)
	}}
}

// Within expects an event that came no later than d after the recorder began.
func Within[T any](d time.Duration) Matcher[T] {
	return Matcher[T]{fmt.Sprintf("within %v", d), func(s Seen[T]) string {
		if s.After <= d {
			return ""
		}
		return fmt.Sprintf("it came after %v, want within %v", s.After, d)
	}}
}

// Where expects an event for which holds returns true. want says in a few words what that is.
func Where[T any](want string, holds func(e topic.Event[T]) bool) Matcher[T] {
	return Matcher[T]{want, func(s Seen[T]) string {
		if holds(s.Event) {
			return ""
		}
		return "it is not"
	}}
}

// Both expects what all of the matchers expect of one event.
func Both[T any](matchers ...Matcher[T]) Matcher[T] {
	wants := make([]string, len(matchers))
	for i, m := range matchers {
		wants[i] = m.Want
	}
	return Matcher[T]{strings.Join(wants, " and "), func(s Seen[T]) string {
		var problems []string
		for _, m := range matchers {
			if problem := m.Differs(s); problem != "" {
				problems = append(problems, problem)
			}
		}
		return strings.Join(problems, "; ")
	}}
}
