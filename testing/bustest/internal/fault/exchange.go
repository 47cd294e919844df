package fault

import (
	"slices"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// exchange is a transport.Exchange with faults.
type exchange struct {
	of    *requesting
	real  transport.Exchange
	id    uint64
	woken chan<- struct{}
	alarm *time.Timer // only its goroutine uses it
	taken uint64      // so are the replies that have come

	mu      sync.Mutex
	waiting int          // attempts without an answer, and with one in late
	lost    int          // of those that were lost since the last Take
	late    []lateAnswer // in the order of their times
}

// lateAnswer is an answer that is to be taken at a certain time.
type lateAnswer struct {
	due    time.Time
	answer transport.Answer
}

func (e *exchange) ID() uint64 { return e.id }

func (e *exchange) Send(m *transport.Message) error {
	t := e.of.of
	if t.cut.Load() {
		return transport.ErrNoPeer
	}
	t.faults.leaves(t, m)
	e.mu.Lock()
	e.waiting++ // before Send, whose server may be cut off at once
	e.mu.Unlock()
	err := e.real.Send(m)
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.waiting > 0 {
			e.waiting--
		} else { // it was lost already, and was none
			e.lost--
		}
		return err
	}
	if t.cut.Load() || t.over() { // since then
		e.lose(e.everything)
	}
	return nil
}

func (e *exchange) Unasked() int {
	if e.of.of.cut.Load() {
		return 0
	}
	return e.real.Unasked()
}

// everything is what lose takes at the end of all connections. The lock is held.
func (e *exchange) everything() int { return e.waiting }

// lose answers some attempts: their connection has ended.
func (e *exchange) lose(some func() int) {
	e.mu.Lock()
	n := min(some(), e.waiting)
	e.waiting -= n
	e.lost += n
	e.late = e.late[:min(len(e.late), e.waiting)] // the connection of others has ended before they came
	e.mu.Unlock()
	if n > 0 {
		e.wake()
	}
}

// wake tells who waits to look. There may be a token too many.
func (e *exchange) wake() {
	select {
	case e.woken <- struct{}{}:
	default:
	}
}

func (e *exchange) Take() (transport.Answer, bool) {
	for a, ok := e.real.Take(); ok; a, ok = e.real.Take() {
		e.arrive(&a)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost > 0 {
		e.lost--
		return transport.Answer{Err: transport.ErrLost}, true
	}
	if len(e.late) == 0 {
		return transport.Answer{}, false
	}
	if wait := time.Until(e.late[0].due); wait > 0 {
		e.setAlarm(wait)
		return transport.Answer{}, false
	}
	a := e.late[0].answer
	e.late = slices.Delete(e.late, 0, 1)
	e.waiting--
	return a, true
}

// arrive decides what becomes of an answer.
func (e *exchange) arrive(a *transport.Answer) {
	t := e.of.of
	var delay time.Duration
	var what arrival
	if a.Err == nil {
		e.taken++
		what, _, _ = t.describe(aReply, &a.Message)
		what.seq, what.attempt = e.id, e.taken
		fate := t.faults.fate(what)
		if fate.drop {
			t.faults.log.dropped(what) // the attempt has no answer: the client asks again or gives up
			return
		}
		delay = fate.delay
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.late) >= e.waiting { // it is for an attempt that a partition has answered
		if a.Err == nil {
			t.faults.log.lost(t.name, what)
		}
		return
	}
	due := time.Now().Add(delay)
	if delay > 0 {
		t.faults.log.delayed()
	}
	e.late = append(e.late, lateAnswer{due, *a})
}

// setAlarm has the caller look again after a while.
func (e *exchange) setAlarm(after time.Duration) {
	if e.alarm == nil {
		e.alarm = time.AfterFunc(after, e.wake)
		return
	}
	e.alarm.Reset(after)
}

func (e *exchange) End(cancel *transport.Message) {
	r := e.of
	r.mu.Lock()
	delete(r.exchanges, e.id)
	r.mu.Unlock()
	if e.alarm != nil {
		e.alarm.Stop()
	}
	if r.of.cut.Load() {
		cancel = nil
	}
	e.real.End(cancel)
}
