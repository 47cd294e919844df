package bustest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// seedVariable is the environment variable that takes the place of a random seed.
const seedVariable = "FANFARE_SEED"

// Plan says what is to go wrong on the way to the transports that a [Faults] wraps. The zero value is a network without faults, which
// Partition, Heal and Kill can be used on by hand.
//
// What becomes of a message is decided by the seed, by who sent it and who gets it, by its topic and by its number: how goroutines take
// their turns changes nothing about it.
type Plan struct {
	// Seed decides which messages faults are for. Default, 0: the number in the environment variable FANFARE_SEED, or else a random one.
	// A test that fails logs it.
	Seed uint64
	// Drop is which part of all messages is lost: 0 to 1. Default: 0.
	Drop float64
	// Duplicate is which part of all messages that are not lost comes twice: 0 to 1. Replies do not: the transport takes one for each
	// attempt. Default: 0.
	Duplicate float64
	// Delay is how much later than it could a message comes, at most; each has a delay of its own, but comes after those before it. It is 0
	// or more. Default: 0.
	Delay time.Duration
	// Read is how long a transport takes to read one event, request or task, before it reads the next. It is 0 or more. Default: 0.
	Read time.Duration
	// Steps are taken when their time has come, in the order of their times. Default: none.
	Steps []Step
}

// Step is something that happens at a certain time. One of the names is set.
type Step struct {
	// At is when, from the first Wrap on. It is 0 or more.
	At time.Duration
	// Partition is the name of a transport to cut off, see [Faults.Partition].
	Partition string
	// Heal is the name of a transport to connect again, see [Faults.Heal].
	Heal string
	// Kill is the name of a transport to end, see [Faults.Kill].
	Kill string
}

// check returns what is wrong with the plan, nil if nothing is.
func (p *Plan) check() error {
	for _, share := range []struct {
		field string
		value float64
	}{{"Drop", p.Drop}, {"Duplicate", p.Duplicate}} {
		if !(share.value >= 0 && share.value <= 1) { // nor NaN
			return &bus.OptionError{Field: "bustest.Plan." + share.field, Value: share.value, Limit: "0 to 1"}
		}
	}
	if p.Delay < 0 {
		return &bus.OptionError{Field: "bustest.Plan.Delay", Value: p.Delay, Limit: "0 or more"}
	}
	if p.Read < 0 {
		return &bus.OptionError{Field: "bustest.Plan.Read", Value: p.Read, Limit: "0 or more"}
	}
	for i, s := range p.Steps {
		field := fmt.Sprintf("bustest.Plan.Steps[%d]", i)
		if s.At < 0 {
			return &bus.OptionError{Field: field + ".At", Value: s.At, Limit: "0 or more"}
		}
		names := slices.DeleteFunc([]string{s.Partition, s.Heal, s.Kill}, func(name string) bool { return name == "" })
		if len(names) != 1 {
			value := fmt.Sprintf("a step with %d names", len(names))
			return &bus.OptionError{Field: field, Value: value, Limit: "a step with one of Partition, Heal and Kill"}
		}
	}
	return nil
}

// schedule returns the steps in the order of their times.
func (p *Plan) schedule() []Step {
	steps := slices.Clone(p.Steps)
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return steps
}

// seed returns the seed that the plan asks for.
func (p *Plan) seed() (uint64, error) {
	if p.Seed != 0 {
		return p.Seed, nil
	}
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil || seed == 0 {
			field := "the environment variable " + seedVariable
			return 0, &bus.OptionError{Field: field, Value: text, Limit: "a number of 1 to 18446744073709551615"}
		}
		return seed, nil
	}
	return rand.Uint64N(1<<53) + 1, nil // short enough to be typed
}
