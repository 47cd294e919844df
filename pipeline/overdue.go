package pipeline

import (
	"math"
)

// watch has due look at the tasks in other processes at that time.
func (q *queue) watch(at int64) {
	if q.watchFrom == 0 || at < q.watchFrom {
		q.watchFrom = at
		q.depot.ringBy(at)
	}
}

// relieve gives tasks that their holders have had for too long to others.
func (q *queue) relieve() {
	for _, holder := range q.consumers {
		for len(holder.overdue) > 0 {
			seq := holder.overdue[0]
			s := q.at(seq)
			if s == nil || s.state != overdue || s.holder != holder {
				holder.overdue.drop()
				continue
			}
			c := q.pick(holder)
			if c == nil {
				break
			}
			before := s.state
			if q.give(c, seq, s); s.state != before {
				holder.overdue.drop()
			}
		}
	}
}

// due gives what is to be given again by now, and takes what other processes have had for too long.
func (q *queue) due(now int64) {
	for len(q.agenda) > 0 && q.agenda[0].at <= now {
		seq := q.agenda[0].seq
		q.agenda.drop()
		if s := q.at(seq); s != nil && s.state == delayed {
			s.state = waiting
			q.returned.add(seq)
		}
	}
	if q.watchFrom != 0 && q.watchFrom <= now {
		q.watchFrom = 0
		q.reclaim(now)
	}
	if len(q.agenda) > 0 {
		q.depot.ringBy(q.agenda[0].at)
	}
	if q.watchFrom != 0 {
		q.depot.ringBy(q.watchFrom)
	}
}

// reclaim has tasks that a worker in another process has had for too long go to another one as well.
func (q *queue) reclaim(now int64) {
	next := int64(math.MaxInt64)
	q.each(0, q.next, func(seq uint64, s *slot) {
		if s.state != given || s.since == 0 {
			return
		}
		if at := s.since + int64(s.from.ackTimeout); at > now {
			next = min(next, at)
			return
		}
		holder := s.holder
		q.takeBack(s)
		q.failed(seq, s, "not acknowledged for "+s.from.ackTimeout.String(), 0)
		if s.state == waiting {
			s.state, s.holder = overdue, holder
			holder.overdue.add(seq)
			q.overdue++
		}
	})
	if next != math.MaxInt64 {
		q.watch(next)
	}
}
