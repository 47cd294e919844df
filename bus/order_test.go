package bus_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// placed returns a middleware of a phase that does nothing.
func placed(name string, p bus.Phase) bus.Middleware {
	return bus.Middleware{Name: name, Phase: p, Wrap: func(next bus.Handler) bus.Handler { return next }}
}

// The middleware of the tests of the order.
var (
	audit   = placed("audit", 0)
	log     = placed("log", bus.PhaseObserve)
	metrics = placed("metrics", bus.PhaseObserve)
	letters = placed("dead letter", bus.PhaseDeadLetter)
	ignore  = placed("ignore errors", bus.PhaseOutcome)
	dedupe  = placed("deduplicate", bus.PhaseAdmit)
	upcast  = placed("upcast", bus.PhaseUpcast)
	retry   = placed("retry", bus.PhaseRetry)
	breaker = placed("circuit breaker", bus.PhaseProtect)
	timeout = placed("timeout", bus.PhaseTimeout)
	guard   = placed("recover", bus.PhaseRecover)
	fault   = placed("fault", bus.PhaseSimulate)
)

func TestRightOrders(t *testing.T) {
	t.Parallel()
	for name, chain := range map[string][]bus.Middleware{
		"none":                     nil,
		"all":                      {log, metrics, letters, ignore, upcast, dedupe, retry, breaker, timeout, guard, fault},
		"unknown ones anywhere":    {audit, log, audit, retry, audit, guard, audit},
		"one of a phase with more": {metrics, log, retry},
		"recovers at both ends":    {guard, log, retry, guard},
		"two of a phase":           {retry, timeout, timeout},
		"elsewhere on purpose":     {placed(timeout.Name, 0), retry, timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := bus.New(&bus.Options{Publish: chain, Subscribe: chain})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWrongOrders(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		chain []bus.Middleware
		want  string
	}{
		"loses retries": {[]bus.Middleware{log, retry, letters},
			`bus.Options.Subscribe: middleware "retry" stands outside of "dead letter": "retry" would never see the errors that "dead letter" takes, ` +
				`and try nothing again; the right order is log, dead letter, retry`},
		"ignores before retrying": {[]bus.Middleware{retry, ignore},
			`bus.Options.Subscribe: middleware "retry" stands outside of "ignore errors": "retry" would never see the errors that "ignore errors" takes, ` +
				`and try nothing again; the right order is ignore errors, retry`},
		"a duplicate of itself": {[]bus.Middleware{retry, dedupe},
			`bus.Options.Subscribe: middleware "retry" stands outside of "deduplicate": what "deduplicate" has decided would be decided again for each attempt; ` +
				`the right order is deduplicate, retry`},
		"counts twice": {[]bus.Middleware{retry, audit, metrics, guard},
			`bus.Options.Subscribe: middleware "retry" stands outside of "metrics": each attempt would be counted as an event; ` +
				`the right order is metrics, retry, recover`},
		"counts twice by two": {[]bus.Middleware{metrics, log, metrics},
			`bus.Options.Subscribe: middleware "metrics" stands outside of "metrics": each event would be counted twice (if that is meant, set the Phase of one to 0); the right order is metrics, log`},
		"retries twice": {[]bus.Middleware{retry, retry, guard},
			`bus.Options.Subscribe: middleware "retry" stands outside of "retry": each attempt of the one would be several of the other; ` +
				`the right order is retry, recover`},
		"counts too few": {[]bus.Middleware{letters, log},
			`bus.Options.Subscribe: middleware "dead letter" stands outside of "log": events that "dead letter" deals with would not be seen; ` +
				`the right order is log, dead letter`},
		"counts what is in time": {[]bus.Middleware{timeout, metrics},
			`bus.Options.Subscribe: middleware "timeout" stands outside of "metrics": events that "timeout" deals with would not be seen; ` +
				`the right order is metrics, timeout`},
		"twice, in the wrong order": {[]bus.Middleware{retry, metrics, retry, metrics},
			`bus.Options.Subscribe: middleware "retry" stands outside of "metrics": each attempt would be counted as an event; ` +
				`the right order is metrics, retry`},
		"recovers too late": {[]bus.Middleware{guard, retry},
			`bus.Options.Subscribe: middleware "recover" stands outside of "retry": a panic would pass "retry" before it becomes an error; ` +
				`the right order is retry, recover`},
		"no time for retries": {[]bus.Middleware{timeout, retry},
			`bus.Options.Subscribe: middleware "timeout" stands outside of "retry": an attempt that takes too long would leave no time for another one; ` +
				`the right order is retry, timeout`},
		"counts all attempts as one": {[]bus.Middleware{breaker, retry},
			`bus.Options.Subscribe: middleware "circuit breaker" stands outside of "retry": "circuit breaker" would know of one attempt for all of them; ` +
				`the right order is retry, circuit breaker`},
		"protects nothing": {[]bus.Middleware{dedupe, letters},
			`bus.Options.Subscribe: middleware "deduplicate" stands outside of "dead letter": "deduplicate" would never see the errors that "dead letter" takes; ` +
				`the right order is dead letter, deduplicate`},
		"simulates outside": {[]bus.Middleware{fault, breaker},
			`bus.Options.Subscribe: middleware "fault" stands outside of "circuit breaker": what "fault" does in place of a handler would not come to "circuit breaker"; ` +
				`the right order is circuit breaker, fault`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bus.New(&bus.Options{Subscribe: tc.chain})
			var wrong *bus.OrderError
			if !errors.As(err, &wrong) || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// A middleware made from bad options is refused with its own error, by everything that would use it.
func TestMiddlewareWithAnError(t *testing.T) {
	t.Parallel()
	broken := placed("timeout", bus.PhaseTimeout)
	broken.Err = &bus.OptionError{Field: "middleware.Timeout d", Value: -1, Limit: "more than 0"}
	_, err := bus.New(&bus.Options{Publish: []bus.Middleware{log, broken}})
	const want = `bus.Options.Publish[1] (middleware "timeout"): middleware.Timeout d is -1, it must be more than 0`
	if option := (*bus.OptionError)(nil); !errors.As(err, &option) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestRightOrderOfAnyError refuses chains of all lengths and orders, some of the middleware several times, and checks that the right order that
// each error gives is taken.
func TestRightOrderOfAnyError(t *testing.T) {
	t.Parallel()
	all := []bus.Middleware{audit, log, metrics, letters, ignore, upcast, dedupe, retry, breaker, timeout, guard, fault}
	named := map[string]bus.Middleware{}
	for _, m := range all {
		named[m.Name] = m
	}
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 5000 {
		chain := make([]bus.Middleware, random.IntN(8))
		for i := range chain {
			chain[i] = all[random.IntN(len(all))]
		}
		b, err := bus.New(&bus.Options{Subscribe: chain})
		if err == nil {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		refused++
		var wrong *bus.OrderError
		if !errors.As(err, &wrong) {
			t.Fatal(err)
		}
		if wrong.OuterField != "bus.Options.Subscribe" || slices.Contains(wrong.Right, "audit") {
			t.Fatalf("of %s: %v", wrong.OuterField, err)
		}
		right := make([]bus.Middleware, len(wrong.Right))
		for i, name := range wrong.Right {
			right[i] = named[name]
		}
		b, again := bus.New(&bus.Options{Subscribe: right})
		if again != nil {
			t.Fatalf("%v\nbut then: %v", err, again)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if refused < 1000 {
		t.Errorf("only %d chains were refused", refused)
	}
}

// The lists of the bus and of a party are one chain, for everything that has one; the error says which of the two a middleware stands in.
func TestWrongOrderOfTwoLists(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{retry}, Subscribe: []bus.Middleware{retry}})
	for field, make := range parties(b, log) {
		err := make()
		var wrong *bus.OrderError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", field, err)
			continue
		}
		want := fmt.Sprintf(`%[1]s and %[2]s: middleware "retry" stands outside of "log": each attempt would be counted as an event; `+
			`the right order is log, retry, where all of %[1]s is outside of %[2]s`, wrong.OuterField, field)
		if err.Error() != want || wrong.InnerField != field {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// Each reason is true of its two phases, and none repeats only that the order is wrong.
func TestReasonsOfWrongOrders(t *testing.T) {
	t.Parallel()
	delay, correlation := placed("delay", bus.PhaseSchedule), placed("correlation", bus.PhaseCorrelate)
	receive, send := placed("receive", bus.PhaseReceive), placed("send", bus.PhaseSend)
	for _, tc := range []struct {
		outer, inner bus.Middleware
		want         string
	}{
		{timeout, breaker, `"timeout" would take time that is spent waiting in "circuit breaker" for that of the attempt, and that would not hear of what was too late`},
		{metrics, correlation, `what "metrics" says of the event, or publishes, would lack the IDs that "correlation" gives it`},
		{dedupe, upcast, `"deduplicate" would see old forms of the event, which "upcast" has not brought to the present one yet`},
		{log, delay, `"log" would be at the event for as long as "delay" waits`},
		{fault, guard, `a panic of "fault" would pass by "recover"`},
		{log, receive, `"log" would see the event as it came, before "receive" has made one like any other of it`},
		{send, log, `"send" would give the event its last form before "log" is done with it`},
		{breaker, dedupe, `"circuit breaker" would be spent on events that "deduplicate" refuses`},
		{dedupe, ignore, `"ignore errors" would have no say in the errors of "deduplicate"`},
		{fault, retry, `what "fault" does in place of a handler would not come to "retry"`},
	} {
		chain := []bus.Middleware{tc.outer, tc.inner}
		o := &bus.Options{Subscribe: chain}
		if tc.outer.Phase == bus.PhaseSend {
			o = &bus.Options{Publish: chain}
		}
		_, err := bus.New(o)
		var wrong *bus.OrderError
		if !errors.As(err, &wrong) || wrong.Reason != tc.want {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
	}
}

// Where the outer Recover is that of the bus, which stays, the error tells what helps: one more.
func TestReasonWithRecoverOfTheBus(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{guard}, Subscribe: []bus.Middleware{guard}})
	for field, make := range parties(b, retry) {
		want := `a panic would pass "retry" before it becomes an error, unless another Recover stands inside of it, in ` + field
		if wrong := (*bus.OrderError)(nil); !errors.As(make(), &wrong) || wrong.Reason != want {
			t.Errorf("%s: %v", field, wrong)
		}
	}
	for field, make := range parties(b, retry, guard) {
		if err := make(); err != nil {
			t.Errorf("%s with another one: %v", field, err)
		}
	}
}

// A phase that there is none of is refused.
func TestUnknownPhase(t *testing.T) {
	t.Parallel()
	_, err := bus.New(&bus.Options{Publish: []bus.Middleware{log, placed("mine", bus.PhaseSend+1)}})
	const want = `bus.Options.Publish[1].Phase is 15, it must be one of the phases of package bus (middleware "mine")`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
