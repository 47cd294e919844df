package bustest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

var errScripted = errors.New("no stock left")

// withID returns an event as a bus gives it to a handler: one without an ID for "-".
func withID(id string) topic.Event[string] {
	if id == "-" {
		id = ""
	}
	return topic.NewEvent("of "+id, topic.Metadata{Topic: orders.String(), ID: id})
}

// outcomes hands events with these IDs to a fake with that script, and returns what came of each.
func outcomes(t testing.TB, script []bustest.Behavior, ids ...string) (texts []string) {
	sub := bustest.NewSubscriber[string](t, script...)
	for _, id := range ids {
		if err := sub.Handle(t.Context(), withID(id)); err != nil {
			texts = append(texts, err.Error())
		} else {
			texts = append(texts, "ok")
		}
	}
	return texts
}

func TestScripts(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	for name, tc := range map[string]struct {
		script []bustest.Behavior
		ids    string
		want   string
	}{
		"none":                        {nil, "a b a", "ok ok ok"},
		"zero":                        {[]bustest.Behavior{{}}, "a", "ok"},
		"by event":                    {[]bustest.Behavior{bustest.Fail(first), bustest.Succeed(), bustest.Fail(second)}, "a b c d", "first ok second ok"},
		"other attempts":              {[]bustest.Behavior{bustest.Fail(first), bustest.Fail(second)}, "a b a b a", "first second first second first"},
		"fails at times":              {[]bustest.Behavior{bustest.FailTimes(2, first)}, "a a a a b", "first first ok ok ok"},
		"fails in between":            {[]bustest.Behavior{bustest.FailTimes(2, first), bustest.FailTimes(1, second)}, "a b a b a", "first second first ok ok"},
		"never fails":                 {[]bustest.Behavior{bustest.FailTimes(0, first), bustest.Fail(second)}, "a a b", "ok ok second"},
		"always":                      {[]bustest.Behavior{bustest.Succeed(), bustest.Always(bustest.Fail(first))}, "a b c c", "ok first first first"},
		"always at times":             {[]bustest.Behavior{bustest.Always(bustest.FailTimes(1, first))}, "a b a b", "first first ok ok"},
		"always, twice said":          {[]bustest.Behavior{bustest.Always(bustest.Always(bustest.Fail(first)))}, "a b", "first first"},
		"without ID":                  {[]bustest.Behavior{bustest.Fail(first), bustest.Fail(second)}, "- - -", "first second ok"},
		"without ID, fails at times":  {[]bustest.Behavior{bustest.FailTimes(2, first), bustest.Fail(second)}, "- - - - -", "first first ok second ok"},
		"without ID, always":          {[]bustest.Behavior{bustest.Always(bustest.FailTimes(1, first))}, "- - - -", "first ok first ok"},
		"without ID, others between":  {[]bustest.Behavior{bustest.FailTimes(2, first), bustest.Fail(second)}, "- a - - a", "first second first ok second"},
		"without ID, the first again": {[]bustest.Behavior{bustest.FailTimes(1, first), bustest.FailTimes(1, second)}, "a - - a", "first second ok ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(outcomes(t, tc.script, strings.Fields(tc.ids)...), " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheScriptIsCopied(t *testing.T) {
	t.Parallel()
	script := []bustest.Behavior{bustest.Fail(errScripted)}
	sub := bustest.NewSubscriber[string](t, script...)
	script[0] = bustest.Succeed()
	if err := sub.Handle(t.Context(), withID("a")); !errors.Is(err, errScripted) {
		t.Errorf("got %v", err)
	}
}

// TestBadScripts fails where the fake is made: nothing after that is reached.
func TestBadScripts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script []bustest.Behavior
		want   string
	}{
		"Fail":            {[]bustest.Behavior{bustest.Fail(nil)}, "behaviour 1 of the script, Fail(<nil>): the error is nil: there is Succeed"},
		"FailTimes":       {[]bustest.Behavior{bustest.FailTimes(2, nil)}, "behaviour 1 of the script, FailTimes(2, <nil>): the error is nil: there is Succeed"},
		"FailTimes n":     {[]bustest.Behavior{bustest.FailTimes(-1, errScripted)}, "behaviour 1 of the script, FailTimes(-1, no stock left): it cannot fail less than 0 times"},
		"Panic":           {[]bustest.Behavior{bustest.Succeed(), bustest.Panic(nil)}, "behaviour 2 of the script, Panic(<nil>): the value is nil"},
		"Take":            {[]bustest.Behavior{bustest.Take(-time.Second)}, "behaviour 1 of the script, Take(-1s): it cannot take less than no time"},
		"Always":          {[]bustest.Behavior{bustest.Always(bustest.Fail(nil))}, "behaviour 1 of the script, Always(Fail(<nil>)): the error is nil: there is Succeed"},
		"Always not last": {[]bustest.Behavior{bustest.Always(bustest.Block()), bustest.Succeed()}, "behaviour 1 of the script, Always(Block()): Succeed() after it is never reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for fake, create := range map[string]func(t testing.TB){
				"subscriber": func(t testing.TB) { bustest.NewSubscriber[string](t, tc.script...) },
				"publisher":  func(t testing.TB) { bustest.NewPublisher(t, orders, tc.script...) },
				"call":       func(t testing.TB) { bustest.NewCall(t, quote, nil, tc.script...) },
				"task":       func(t testing.TB) { bustest.NewTask(t, resize, tc.script...) },
			} {
				failures := faketb.Run(t, func(t testing.TB) {
					create(t)
					t.Errorf("it goes on after its failure")
				}).Failures
				if failures != tc.want {
					t.Errorf("%s: failures %q, want %q", fake, failures, tc.want)
				}
			}
		})
	}
}

func TestUnusedBehaviours(t *testing.T) {
	t.Parallel()
	all := []bustest.Behavior{bustest.FailTimes(1, errScripted), bustest.Block(), bustest.Panic("boom"), bustest.Take(time.Second), bustest.Succeed()}
	for name, tc := range map[string]struct {
		script []bustest.Behavior
		ids    []string
		want   string
	}{
		"nothing called": {all, nil,
			"a fake subscriber: 5 of 5 behaviours were not used, FailTimes(1, no stock left), Block(), Panic(boom), Take(1s), Succeed(); nothing was called"},
		"another attempt uses none": {[]bustest.Behavior{bustest.Succeed(), bustest.Succeed()}, []string{"a", "a"},
			"a fake subscriber: 1 of 2 behaviours were not used, Succeed(); seen:\n\t+0s orders.created#0 of a, attempt 1: succeeded in 0s\n\t+0s orders.created#0 of a, attempt 2: succeeded in 0s"},
		"all used":                  {[]bustest.Behavior{bustest.Succeed(), bustest.Succeed()}, []string{"a", "b"}, ""},
		"always need not be":        {[]bustest.Behavior{bustest.Always(bustest.Fail(errScripted))}, nil, ""},
		"always does not count":     {[]bustest.Behavior{bustest.Succeed(), bustest.Always(bustest.Fail(errScripted))}, nil, "a fake subscriber: 1 of 1 behaviours were not used, Succeed(); nothing was called"},
		"always, after what is due": {[]bustest.Behavior{bustest.Succeed(), bustest.Always(bustest.Succeed())}, []string{"a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := faketb.Run(t, func(t testing.TB) { outcomes(t, tc.script, tc.ids...) }).Failures
				if failures != tc.want {
					t.Errorf("failures %q, want %q", failures, tc.want)
				}
			})
		})
	}
}

// TestUnusedBehavioursOfATestThatEndsEarly are not what is wrong with it.
func TestUnusedBehavioursOfATestThatEndsEarly(t *testing.T) {
	t.Parallel()
	for want, end := range map[string]func(t testing.TB){
		"the test itself": func(t testing.TB) { t.Fatal("the test itself") },
		"":                func(t testing.TB) { t.Skip("a fake test, which is skipped to see what its scripts say") },
	} {
		failures := faketb.Run(t, func(t testing.TB) {
			bustest.NewSubscriber[string](t, bustest.Succeed())
			end(t)
		}).Failures
		if failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
	}
}

// TestBehavioursOfManyEventsAtOnce gives each of the events its own course, whatever the order.
func TestBehavioursOfManyEventsAtOnce(t *testing.T) {
	t.Parallel()
	const events = 50
	sub := bustest.NewSubscriber[string](t, bustest.Always(bustest.FailTimes(2, errScripted)))
	for i := range events {
		go func() {
			e := withID(string(rune('A' + i)))
			for sub.Handle(context.Background(), e) != nil {
			}
		}()
	}
	numbers := map[int]int{}
	for _, a := range sub.Wait(3 * events) {
		numbers[a.Number]++
	}
	if len(numbers) != 3 || numbers[1] != events || numbers[2] != events || numbers[3] != events {
		t.Errorf("attempts by number: %v", numbers)
	}
}

func TestBehaviorString(t *testing.T) {
	t.Parallel()
	var got []string
	for _, b := range []bustest.Behavior{{}, bustest.Fail(errScripted), bustest.Always(bustest.Take(time.Minute))} {
		got = append(got, b.String())
	}
	if want := []string{"Succeed()", "Fail(no stock left)", "Always(Take(1m0s))"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTopicsMayUseTheSameIDs has an event of each of two topics: they are not two attempts at one.
func TestTopicsMayUseTheSameIDs(t *testing.T) {
	t.Parallel()
	fake := bustest.NewSubscriber[string](t, bustest.Succeed(), bustest.Fail(errScripted))
	placed := topic.NewEvent("a", topic.Metadata{Topic: "orders.placed", ID: "1"})
	paid := topic.NewEvent("a", topic.Metadata{Topic: "orders.paid", ID: "1"})
	if err := fake.Handle(t.Context(), placed); err != nil {
		t.Error(err)
	}
	if err := fake.Handle(t.Context(), paid); err != errScripted {
		t.Errorf("another topic: %v", err)
	}
}
