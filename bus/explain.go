package bus

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Guarantee is how often an event comes to the chain of a party, seen from its publisher.
type Guarantee uint8

const (
	// Never is for ways that do not exist, such as through the transport of a bus that has none.
	Never Guarantee = iota
	// AtMostOnce is once, or not at all if a queue was full or a connection was lost. What is lost is counted.
	AtMostOnce
	// Once is once, as long as the process lives and the bus is not closed.
	Once
	// AtLeastOnce is again and again until it was handled without an error, or has become a dead letter.
	AtLeastOnce
)

// guarantees are their names.
var guarantees = [...]string{"never", "at most once", "once", "at least once"}

// String returns the name of the guarantee.
func (g Guarantee) String() string {
	if int(g) >= len(guarantees) {
		return fmt.Sprintf("unknown guarantee %d", uint8(g))
	}
	return guarantees[g]
}

// Link is one middleware of a chain.
type Link struct {
	Name     string
	Phase    Phase
	Attempts int    // how often it calls what is inside of it, at most: 1 or more, or -1 without a limit
	Field    string // the option that it stands in, such as "bus.Options.Subscribe"
}

// Explanation tells what becomes of the events of a subscription, or the tasks of a worker.
type Explanation struct {
	Role         Role
	Name         string
	Topics       string // its selector, or its task
	Chain        []Link // from the outermost to the innermost, around the handler
	Workers      int    // 0 if publishers call the handler themselves
	Queue        int
	Batch        int // how many events the handler gets at once, at most; 0 if it gets one at a time. The chain ends where an event joins its batch
	Group        string
	Local        Guarantee // for what comes from the same bus
	Remote       Guarantee // for what comes through the transport
	LocalPolicy  Overflow  // when the queue is full; 0 where that does not happen
	RemotePolicy Overflow
	BlockTimeout time.Duration // how long Block waits; 0: for ever
	Attempts     int           // how often the handler is called for one delivery in the worst case, -1 without a limit; for a batch once
}

// Explained is what can be explained: a *subscriber.Subscription or a *pipeline.Worker.
type Explained interface {
	// Plan returns, inside the module, the Explanation but for its chain, and the middleware of its own with the name of that option.
	Plan() (e Explanation, field string, own []Middleware)
}

// Explain tells what is in force for a subscription or worker of this bus: the chain as it is called, what a full queue means, how
// often an event comes, and how often the handler may be called for it.
func (b *Bus) Explain(s Explained) Explanation {
	e, field, own := s.Plan()
	e.Attempts = 1
	for _, l := range []chainList{{"bus.Options.Subscribe", b.options.Subscribe}, {field, own}} {
		for _, m := range l.chain {
			link := Link{Name: m.Name, Phase: m.Phase, Attempts: m.Attempts, Field: l.field}
			switch {
			case link.Attempts == 0:
				link.Attempts = 1
			case link.Attempts < 0:
				link.Attempts, e.Attempts = -1, -1
			}
			switch {
			case e.Attempts < 0:
			case e.Attempts > math.MaxInt/link.Attempts:
				e.Attempts = math.MaxInt
			default:
				e.Attempts *= link.Attempts
			}
			e.Chain = append(e.Chain, link)
		}
	}
	if e.Batch > 0 { // nothing in the chain sees an error of the handler
		e.Attempts = 1
	}
	return e
}

// String tells it in a few lines. Their wording may change.
func (e Explanation) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%v %q of %q", e.Role, e.Name, e.Topics)
	switch {
	case e.Workers == 0:
		s.WriteString(", called by publishers")
	default:
		fmt.Fprintf(&s, ", %d at the same time, %d wait", e.Workers, e.Queue)
	}
	if e.Group != "" {
		fmt.Fprintf(&s, ", shared by group %q", e.Group)
	}
	s.WriteString("\n  chain: ")
	for _, l := range e.Chain {
		s.WriteString(l.Name)
		if l.Attempts != 1 {
			s.WriteString(" " + times(l.Attempts))
		}
		s.WriteString("(")
	}
	innermost := "handler"
	if e.Batch > 0 {
		innermost = "collect"
	}
	s.WriteString(innermost + strings.Repeat(")", len(e.Chain)))
	if e.Batch > 0 {
		fmt.Fprintf(&s, "\n  handler: outside of the chain, in batches of up to %d", e.Batch)
	}
	fmt.Fprintf(&s, "\n  from this bus: %s", e.way(e.Local, e.LocalPolicy))
	fmt.Fprintf(&s, "\n  from others: %s", e.way(e.Remote, e.RemotePolicy))
	fmt.Fprintf(&s, "\n  calls of the handler for each: %s", times(e.Attempts))
	return s.String()
}

// way describes one of the two ways on which events come.
func (e Explanation) way(g Guarantee, p Overflow) string {
	text := g.String()
	if g != Never && p != 0 {
		text += fmt.Sprintf(", %v when the queue is full", p)
		if p == Block && e.BlockTimeout > 0 {
			text += fmt.Sprintf(" for up to %v", e.BlockTimeout)
		}
	}
	return text
}

// times describes a number of attempts at most.
func times(n int) string {
	switch n {
	case -1:
		return "without a limit"
	case 1:
		return "one"
	}
	return fmt.Sprintf("up to %d", n)
}
