package pipeline

import (
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// intake is what the workers of a bus have of one producer in another process, or of the queue of their own bus. The depot's lock guards it.
//
// Credit is kept at both ends: left is what the producer may still send. What it holds is left and what waits and runs here, together never
// more than the window.
type intake struct {
	crew     *crew
	upstream upstream
	plain    bool // for workers marked Default; not acknowledged, and not given back
	free     bool // needs no credit: a plain peer, which is held back instead

	window  int
	left    int // credit that the producer has
	late    int // credit that was taken back, and that the producer may have used before it heard of it
	held    line[job]
	running int
	gone    bool // the producer is

	origin *envelope.Origin // of the last task from another process
}

// full is how many tasks it may hold of the producer when the workers keep up.
func (i *intake) full() int {
	n := 0
	for _, w := range i.crew.workers {
		if w.active() && (!i.plain || w.options.Default) {
			n += w.options.Workers * w.options.Prefetch
		}
	}
	if i.crew.leaving && i.upstream != i.crew.home {
		return 0
	}
	return min(n, maxWindow)
}

// open begins, or goes on after the number of workers has changed.
func (i *intake) open() {
	i.window = i.full()
	i.refill()
}

// refill gives the producer credit for what has been done, when that is half of the window.
func (i *intake) refill() {
	if i.free || i.gone {
		return
	}
	use := i.left + i.held.len() + i.running
	if room := i.window - use; room > 0 && 2*room >= i.window {
		i.left += room
		i.upstream.credit(uint32(room))
	}
}

// narrow makes the window small, since what came has waited for too long. It asks for nothing: that is for when a handler has become free. What
// another process has been asked for already may still come.
func (i *intake) narrow(window int) {
	i.window = min(i.window, window)
	if i.upstream == i.crew.home {
		i.left = 0
		i.upstream.credit(0)
	}
}

// admit reports whether the producer had credit for a task.
func (i *intake) admit() bool {
	switch {
	case i.free:
	case i.left > 0:
		i.left--
	case i.late > 0:
		i.late--
	default:
		return false
	}
	return true
}

// put adds a task to what waits.
func (i *intake) put(j job) {
	if i.upstream == i.crew.home {
		i.left--
	}
	j.intake = i
	j.since = i.crew.depot.hub.bus.Now()
	i.held.push(j)
	i.crew.held++
	i.crew.received++
	if !i.plain {
		i.crew.depot.ringBy(j.since + patience)
	}
}

// returnHeld gives back what waits, the oldest first, as long as it came by that time.
func (i *intake) returnHeld(until int64) (n int) {
	for i.held.len() > 0 && i.held.front().since <= until {
		j := i.held.pop()
		i.crew.held--
		i.crew.returned++
		n++
		if !i.gone {
			i.upstream.nack(j.seq, 0, "")
		}
	}
	if n > 0 && i.crew.held == 0 {
		i.crew.depot.quiet.Tell()
	}
	return n
}

// release returns what waits, for another intake.
func (i *intake) release() (jobs []job) {
	for i.held.len() > 0 {
		jobs = append(jobs, i.held.pop())
		i.crew.held--
		i.crew.returned++
	}
	return jobs
}

// close takes back the credit and gives back what waits: nobody works here any more.
func (i *intake) close() {
	if i.window == 0 {
		return
	}
	i.window = 0
	if i.left > 0 {
		i.late += i.left
		i.left = 0
	}
	if !i.free && !i.gone {
		i.upstream.credit(0)
	}
	if !i.plain {
		i.returnHeld(forever)
	}
}

// from returns the origin of a task from another process.
func (i *intake) from(source uuid.UUID, name string) *envelope.Origin {
	if i.origin == nil || i.origin.Source != source {
		i.origin = &envelope.Origin{Topic: name, Source: source, Remote: true}
	}
	return i.origin
}
