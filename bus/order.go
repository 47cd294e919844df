package bus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// OrderError says that two middleware of a chain stand in an order that cannot work: see [Phase].
type OrderError struct {
	Outer, Inner           string // their names
	OuterPhase, InnerPhase Phase
	OuterField, InnerField string   // the options that they stand in, such as "subscriber.Options.Middleware"
	Reason                 string   // what would go wrong
	Right                  []string // the names of the whole chain, in an order that works
}

// Error names both, what would go wrong, and the right order.
func (e *OrderError) Error() string {
	where, apart := e.OuterField, ""
	if e.InnerField != e.OuterField {
		where += " and " + e.InnerField
		apart = fmt.Sprintf(", where all of %s is outside of %s", e.OuterField, e.InnerField)
	}
	return fmt.Sprintf("%s: middleware %q stands outside of %q: %s; the right order is %s%s",
		where, e.Outer, e.Inner, e.Reason, strings.Join(e.Right, ", "), apart)
}

// placed is a middleware and the option that it stands in.
type placed struct {
	Middleware
	field string
}

// checkOrder checks the lists of one chain, the outer one first. sends says that it is one of the publish side.
func checkOrder(sends bool, lists ...chainList) error {
	var chain []placed
	for _, l := range lists {
		if err := cmp.Or(l.check(), l.checkSide(sends)); err != nil {
			return err
		}
		for _, m := range l.chain {
			chain = append(chain, placed{m, l.field})
		}
	}
	var outer placed // the one of the highest phase so far
	for i, inner := range chain {
		switch {
		case inner.Phase == 0 || inner.Phase == PhaseRecover && recovers(chain[i+1:]):
			continue // a panic is an error already when it comes to the outer one
		case inner.Phase < outer.Phase:
			return wrongOrder(outer, inner, misplaced(outer, inner), chain)
		case twice(chain[:i], inner):
			return wrongOrder(inner, inner, twiceReason(inner), chain)
		}
		outer = inner
	}
	return nil
}

// recovers reports whether a panic becomes an error in the chain.
func recovers(chain []placed) bool {
	return slices.ContainsFunc(chain, func(m placed) bool { return m.Phase == PhaseRecover })
}

// twice reports whether m stands outside already, and may not stand there again.
func twice(outside []placed, m placed) bool {
	return (m.Phase == PhaseObserve || m.Phase == PhaseRetry) &&
		slices.ContainsFunc(outside, func(other placed) bool { return other.Phase == m.Phase && other.Name == m.Name })
}

func twiceReason(m placed) string {
	if m.Phase == PhaseRetry {
		return "each attempt of the one would be several of the other"
	}
	return "each event would be counted twice (if that is meant, set the Phase of one to 0)"
}

// misplaced says what goes wrong: first of what must not be outside of anything, then of what must not be inside.
func misplaced(outer, inner placed) string {
	o, i := outer.Name, inner.Name
	switch {
	case outer.Phase == PhaseRecover && outer.field != inner.field:
		return fmt.Sprintf("a panic would pass %q before it becomes an error, unless another Recover stands inside of it, in %s", i, inner.field)
	case outer.Phase == PhaseRecover:
		return fmt.Sprintf("a panic would pass %q before it becomes an error", i)
	case inner.Phase == PhaseRecover:
		return fmt.Sprintf("a panic of %q would pass by %q", o, i)
	case outer.Phase == PhaseSend:
		return fmt.Sprintf("%q would give the event its last form before %q is done with it", o, i)
	case outer.Phase == PhaseRetry && (inner.Phase == PhaseDeadLetter || inner.Phase == PhaseOutcome):
		return fmt.Sprintf("%q would never see the errors that %q takes, and try nothing again", o, i)
	case outer.Phase == PhaseRetry && (inner.Phase == PhaseAdmit || inner.Phase == PhaseUpcast):
		return fmt.Sprintf("what %q has decided would be decided again for each attempt", i)
	case outer.Phase == PhaseRetry && inner.Phase == PhaseObserve:
		return "each attempt would be counted as an event"
	}
	switch inner.Phase {
	case PhaseReceive:
		return fmt.Sprintf("%q would see the event as it came, before %q has made one like any other of it", o, i)
	case PhaseSchedule:
		return fmt.Sprintf("%q would be at the event for as long as %q waits", o, i)
	case PhaseCorrelate:
		return fmt.Sprintf("what %q says of the event, or publishes, would lack the IDs that %q gives it", o, i)
	case PhaseObserve:
		return fmt.Sprintf("events that %q deals with would not be seen", o)
	case PhaseDeadLetter:
		return fmt.Sprintf("%q would never see the errors that %q takes", o, i)
	case PhaseOutcome:
		return fmt.Sprintf("%q would have no say in the errors of %q", i, o)
	case PhaseUpcast:
		return fmt.Sprintf("%q would see old forms of the event, which %q has not brought to the present one yet", o, i)
	case PhaseAdmit:
		return fmt.Sprintf("%q would be spent on events that %q refuses", o, i)
	}
	switch {
	case outer.Phase == PhaseSimulate:
		return fmt.Sprintf("what %q does in place of a handler would not come to %q", o, i)
	case inner.Phase == PhaseRetry && outer.Phase == PhaseTimeout:
		return "an attempt that takes too long would leave no time for another one"
	case inner.Phase == PhaseRetry:
		return fmt.Sprintf("%q would know of one attempt for all of them", o)
	}
	return fmt.Sprintf("%q would take time that is spent waiting in %q for that of the attempt, and that would not hear of what was too late", o, i)
}

// wrongOrder returns the error for a chain whose right order is that of the phases, without what stands in it twice and may not.
func wrongOrder(outer, inner placed, reason string, chain []placed) error {
	e := &OrderError{
		Outer: outer.Name, OuterPhase: outer.Phase, OuterField: outer.field,
		Inner: inner.Name, InnerPhase: inner.Phase, InnerField: inner.field,
		Reason: reason,
	}
	right := make([]placed, 0, len(chain))
	for _, m := range chain {
		if m.Phase != 0 && !twice(right, m) {
			right = append(right, m)
		}
	}
	slices.SortStableFunc(right, func(a, b placed) int { return cmp.Compare(a.Phase, b.Phase) })
	for _, m := range right {
		e.Right = append(e.Right, m.Name)
	}
	return e
}
