package pipeline

import (
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

const (
	// arenaSize is how much memory for payloads is allocated at once.
	arenaSize = 64 << 10
	// ownedSize is the payload size from which memory of its own is cheaper than a copy.
	ownedSize = 16 << 10
)

// queue has the tasks of a depot, and gives them to its consumers. The depot's lock guards it.
type queue struct {
	depot *depot
	ring
	cursor    uint64 // the first task that was never given
	returned  order  // tasks that were given and wait again
	agenda    agenda // tasks that are given again later
	overdue   int    // tasks that wait for another consumer than their holder
	watchFrom int64  // the oldest since of a task in another process that is looked at again; 0: none is
	producers int    // that are open
	consumers []*consumer
	turn      int // of consumers: who is asked first
	letters   []letter
	arena     []byte
	meta      envelope.Meta
	header    []byte // of the task that is being given
	frame     [1][]byte
	outgoing  transport.Message

	unknown     uint64 // acknowledgements of tasks that are not there
	redelivered uint64
	abandoned   uint64
}

func (q *queue) init(d *depot) {
	q.depot = d
	q.base, q.next, q.cursor = 1, 1, 1
}

// keep returns a copy of a payload in the arena.
func (q *queue) keep(payload []byte) []byte {
	if len(q.arena)+len(payload) > cap(q.arena) || q.arena == nil {
		q.arena = make([]byte, 0, max(arenaSize, len(payload)))
	}
	start := len(q.arena)
	q.arena = append(q.arena, payload...)
	return q.arena[start:len(q.arena):len(q.arena)]
}

// add takes a task of p.
func (q *queue) add(p *producer, s slot) (seq uint64) {
	seq, place := q.push()
	s.state, s.from = waiting, p
	*place = s
	p.sent++
	p.waiting++
	p.last = seq
	return seq
}

// pump gives out tasks, the oldest first, as long as somebody can take one.
func (q *queue) pump() {
	if q.live == 0 || len(q.consumers) == 0 || q.depot.over {
		return
	}
	if q.overdue > 0 {
		q.relieve()
	}
	for {
		seq, s := q.peek()
		if s == nil {
			return
		}
		c := q.pick(nil)
		if c == nil {
			return
		}
		q.give(c, seq, s)
	}
}

// peek returns the next task to give, nil if there is none.
func (q *queue) peek() (uint64, *slot) {
	for len(q.returned) > 0 {
		seq := q.returned[0]
		if s := q.at(seq); s != nil && s.state == waiting {
			return seq, s
		}
		q.returned.drop() // it was done after all
	}
	for ; q.cursor < q.next; q.cursor++ {
		if s := q.at(q.cursor); s != nil {
			return q.cursor, s
		}
	}
	return 0, nil
}

// pick returns the consumer that is to have a task: of those that can take one, which has the least in hand; in turns among equals.
func (q *queue) pick(not *consumer) (best *consumer) {
	n, next := len(q.consumers), q.turn
	for i := range n {
		at := (q.turn + i) % n
		c := q.consumers[at]
		if c != not && c.able() && (best == nil || c.inHand < best.inHand) {
			best, next = c, at+1
		}
	}
	q.turn = next
	return best
}

// give hands a task that peek or relieve found to c. When c cannot take it after all, the task stays where it is.
func (q *queue) give(c *consumer, seq uint64, s *slot) {
	switch err := c.send(seq, s); {
	case err == errUnable:
		return
	case err != nil: // it cannot be sent to anybody like this; who sent it was told as far as that was known
		q.taken(seq, s)
		q.failed(seq, s, reasonOf(err), backOff(defaultRetryDelay, s.failures+1))
		return
	}
	q.taken(seq, s)
	s.state, s.holder = given, c
	c.inHand++
	s.from.waiting--
	s.from.given++
	if s.failures > 0 {
		q.redelivered++
	}
	if c.remote != nil && !c.plain && s.from.ackTimeout > 0 {
		s.since = q.depot.hub.bus.Now()
		q.watch(s.since + int64(s.from.ackTimeout))
	}
	c.settle()
}

// taken takes a task that waits out of where it waits.
func (q *queue) taken(seq uint64, s *slot) {
	switch {
	case s.state == overdue:
		q.overdue--
	case len(q.returned) > 0 && q.returned[0] == seq:
		q.returned.drop()
	default:
		q.cursor = seq + 1
	}
	s.state, s.holder = waiting, nil
}

// takeBack takes a task that was given from its holder. It is in none of the lists then.
func (q *queue) takeBack(s *slot) {
	s.holder.inHand--
	s.holder, s.since, s.state = nil, 0, waiting
	s.from.given--
	s.from.waiting++
}

// giveBack has a task that takeBack took given again at once.
func (q *queue) giveBack(seq uint64) { q.returned.add(seq) }

// failed notes a failed attempt of a task that takeBack took, and has it given again after a delay, or never: when the delay is negative, or
// there were enough attempts.
func (q *queue) failed(seq uint64, s *slot, reason string, delay time.Duration) {
	s.failures++
	switch p := s.from; {
	case p.dead != nil && (delay < 0 || p.attempts > 0 && s.failures >= p.attempts):
		s.state = dying
		q.letters = append(q.letters, newLetter(seq, s, reason))
	case delay == 0:
		q.giveBack(seq)
	default:
		if delay < 0 {
			delay = maxRetryDelay
		}
		s.state = delayed
		at := time.Now().UnixNano() + int64(delay)
		q.agenda.add(at, seq)
		q.depot.ringBy(at)
	}
}

// outcome is how a task has ended.
type outcome uint8

const (
	acknowledged outcome = iota
	handed               // written to a plain peer
	buried               // sent to the dead-letter task
	abandoned
)

// end ends a task.
func (q *queue) end(seq uint64, s *slot, how outcome, reason string) {
	p := s.from
	switch s.state {
	case given:
		s.holder.inHand--
		p.given--
	case overdue:
		q.overdue--
		p.waiting--
	default:
		p.waiting--
	}
	p.ended[how]++
	if how != buried { // a dead letter has its place
		p.room.give(1)
	}
	p.tell(seq, how, reason)
	q.remove(seq, s)
	if q.live == 0 {
		q.depot.quiet.Tell()
	}
}

// acked ends the tasks of a range, those that were given at all, and counts the others.
func (q *queue) acked(first uint64, count uint32) {
	found := uint32(0)
	q.each(first, min(first+uint64(count), q.cursor), func(seq uint64, s *slot) {
		if s.state != dying {
			found++
			q.end(seq, s, acknowledged, "")
		}
	})
	q.unknown += uint64(count - found)
}

// nacked takes a task from c that it has not done.
func (q *queue) nacked(c *consumer, seq uint64, delay time.Duration, reason string) {
	s := q.at(seq)
	switch {
	case s == nil || s.holder != c:
		q.unknown++
	case s.state == overdue: // that has failed already, but c need not be spared any more
		q.overdue--
		s.state, s.holder = waiting, nil
		q.giveBack(seq)
	default:
		q.takeBack(s)
		if reason == "" {
			q.giveBack(seq)
		} else {
			q.failed(seq, s, reason, delay)
		}
	}
}

// abandon gives up all tasks.
func (q *queue) abandon() {
	q.each(0, q.next, func(seq uint64, s *slot) {
		q.abandoned++
		q.end(seq, s, abandoned, "")
	})
	q.returned, q.agenda, q.letters, q.arena = nil, nil, nil, nil
}
