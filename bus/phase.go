package bus

import "fmt"

// Phase is the place of a middleware in a chain. Lower phases stand outside of higher ones:
//
//	receive(schedule(correlate(observe(dead letter(outcome(upcast(admit(retry(protect(timeout(recover(simulate(send(handler))))))))))))))
//
// [New], and whatever makes a publisher, subscription, client, server, producer or worker, refuses another order with an [*OrderError]. Within
// a phase any order will do. The zero Phase is anywhere, unchecked: that is where middleware of users stands that names none, and one of ours whose
// Phase was set to it, to stand somewhere else on purpose, as a Timeout around Retry for all attempts together.
type Phase uint8

const (
	_ Phase = iota
	// PhaseReceive turns what was received into an event like any other, before anything else looks at it. On the publish side it is refused.
	PhaseReceive
	// PhaseSchedule waits until it is time for the event. Nothing that measures or limits time stands outside of it.
	PhaseSchedule
	// PhaseCorrelate tells what belongs together, so that all that follows can say it.
	PhaseCorrelate
	// PhaseObserve logs, traces and counts an event once, whatever is tried for it further inside.
	PhaseObserve
	// PhaseDeadLetter sets an event aside that has failed for good.
	PhaseDeadLetter
	// PhaseOutcome decides what the last error of an event means.
	PhaseOutcome
	// PhaseUpcast turns an old form of the event into the present one.
	PhaseUpcast
	// PhaseAdmit refuses events that are not to be handled. What it refuses stays refused: nobody tries it again.
	PhaseAdmit
	// PhaseRetry tries what is inside of it again.
	PhaseRetry
	// PhaseProtect limits how often and how many attempts are made.
	PhaseProtect
	// PhaseTimeout limits the time of one attempt.
	PhaseTimeout
	// PhaseRecover makes an error of a panic, for all that stands outside of it.
	PhaseRecover
	// PhaseSimulate behaves as a bad handler would, for tests.
	PhaseSimulate
	// PhaseSend gives an event the form in which others want it, after everything else has added to it. On the subscribe side it is refused.
	PhaseSend
)

// phases are their names.
var phases = [...]string{
	"anywhere", "receive", "schedule", "correlate", "observe", "dead letter", "outcome", "upcast", "admit", "retry", "protect", "timeout",
	"recover", "simulate", "send",
}

// String returns the name of the phase.
func (p Phase) String() string {
	if int(p) >= len(phases) {
		return fmt.Sprintf("unknown phase %d", uint8(p))
	}
	return phases[p]
}
