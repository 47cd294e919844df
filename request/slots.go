package request

import (
	"context"
	"sync"

	"github.com/fanfare-go/fanfare/internal/change"
)

// slots bound how much a server or a client does at the same time, count it, and know when it is nothing. Requests from other processes
// wait in a list for a worker, callers of this process in their own goroutines; the two take turns.
//
// A worker that begins a request starts the next worker if more are waiting, one at a time: so quick requests are handled by one
// goroutine, one after the other, and slow ones by as many as they need.
type slots struct {
	limit, queue int

	mu       sync.Mutex
	busy     int // workers and callers in this process
	starting bool
	waiting  jobs
	callers  []*caller
	turn     bool // the next free slot is a caller's, if both wait
	draining bool // takes no more requests from other processes
	closed   bool
	idle     chan struct{} // closed when nothing waits or runs any more; nil: nobody wants to know
	done     chan struct{} // closed when that is so and slots were closed

	begun   uint64
	running uint64
	ended   [refusal + 1]uint64
}

// caller is one of this process that waits for a slot.
type caller struct {
	called  chan struct{} // closed when it has one, or is refused
	refused bool          // set before that
}

// outcome is how a request ended.
type outcome uint8

const (
	success outcome = iota
	failure
	expiry  // its time was over before a handler was free
	refusal // there was no room
)

// outcomeOf is that of a request that was handled.
func outcomeOf(err error) outcome {
	if err != nil {
		return failure
	}
	return success
}

func (s *slots) init(limit, queue int) {
	s.limit, s.queue, s.done = limit, queue, make(chan struct{})
}

// submit queues a request, and reports whether it did, and whether a worker is to be started.
func (s *slots) submit(j *job) (ok, start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	room := s.queue + s.limit - s.busy
	if s.starting { // which has a slot, and takes one of those that wait
		room++
	}
	if s.closed || s.draining || s.waiting.n >= room {
		s.ended[refusal]++
		return false, false
	}
	s.waiting.push(j)
	return true, s.start()
}

// start takes a slot for one more worker, if there is one and none is starting. The caller holds the lock.
func (s *slots) start() bool {
	if s.starting || s.busy >= s.limit || s.waiting.n == 0 {
		return false
	}
	s.starting = true
	s.busy++
	return true
}

// begin is the first call of a worker that was started.
func (s *slots) begin() (j *job, start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting = false
	return s.next()
}

// proceed notes how a worker's request has ended, and returns its next one.
func (s *slots) proceed(o outcome) (j *job, start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.ended[o]++
	return s.next()
}

// next returns what a worker is to do now, nil for nothing: then its slot is free. The caller holds the lock.
func (s *slots) next() (j *job, start bool) {
	if s.waiting.n == 0 || s.turn && len(s.callers) > 0 {
		s.free()
		return nil, s.start()
	}
	s.turn = true
	s.running++
	return s.waiting.pop(), s.start()
}

// free gives a slot to a caller that waits, or back. The caller holds the lock.
func (s *slots) free() {
	s.turn = false
	if len(s.callers) > 0 {
		s.running++
		close(s.callers[0].called)
		s.callers = s.callers[1:]
		return
	}
	s.busy--
	s.settle()
}

// settle tells those who want to know when nothing waits or runs. The caller holds the lock.
func (s *slots) settle() {
	if s.busy > 0 || s.waiting.n > 0 {
		return
	}
	if s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
	if s.closed && !change.Closed(s.done) {
		close(s.done)
	}
}

// enter takes a slot for a caller in this process, and waits for one until ctx ends. It reports whether it has waited.
func (s *slots) enter(ctx context.Context) (waited bool, err error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false, errEnding
	}
	s.begun++
	if s.busy < s.limit {
		s.busy++
		s.running++
		s.mu.Unlock()
		return false, nil
	}
	mine := &caller{called: make(chan struct{})}
	s.callers = append(s.callers, mine)
	s.mu.Unlock()
	select {
	case <-mine.called:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if mine.refused {
		return true, errEnding
	}
	if change.Closed(mine.called) {
		return true, nil
	}
	for i, c := range s.callers {
		if c == mine {
			s.callers = append(s.callers[:i:i], s.callers[i+1:]...)
			break
		}
	}
	s.ended[expiry]++
	return true, ctx.Err()
}

// leave gives the slot of a caller in this process back, and reports whether a worker is to be started.
func (s *slots) leave(o outcome) (start bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.ended[o]++
	s.free()
	return s.start()
}

// drain refuses requests from other processes from now on.
func (s *slots) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// close refuses everything from now on, callers that wait included, and returns what waits: it counts as refused.
func (s *slots) close() (left jobs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	left, s.waiting = s.waiting, jobs{}
	s.ended[refusal] += uint64(left.n + len(s.callers))
	for _, c := range s.callers {
		c.refused = true
		close(c.called)
	}
	s.callers = nil
	s.settle()
	return left
}

// Idle is that of [bus.Service].
func (s *slots) Idle() (idle <-chan struct{}, begun uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == 0 && s.waiting.n == 0 {
		return nil, s.begun
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	return s.idle, s.begun
}

// Left is that of [bus.Service].
func (s *slots) Left() (queued, running uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(s.waiting.n + len(s.callers)), s.running
}

// Done is closed when slots were closed and nothing runs any more.
func (s *slots) Done() <-chan struct{} { return s.done }
