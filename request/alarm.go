package request

import (
	"sync"
	"sync/atomic"
	"time"
)

// nap is how long a timer runs at most before it looks again. A trial that is not used again is kept alive by its timer for as long.
const nap = time.Second

// alarm wakes who asks for it at a time. Its timer runs on when that time is put off, or when nobody asks any more: nearly all requests are
// answered long before, and a timer that goes off in vain now and then costs less than one set for each.
//
// set writes at before it reads due, and ring the other way round: so one of the two sees that the timer has to be started.
type alarm struct {
	woken chan struct{} // gets a token at the time; there may be an old one
	at    atomic.Int64  // when it is to ring, in nanoseconds since begin; 0: never
	due   atomic.Int64  // when the timer goes off; 0: it does not run

	mu    sync.Mutex
	begin time.Time   // of its life
	timer *time.Timer // nil before the first time
}

func newAlarm() alarm { return alarm{woken: make(chan struct{}, 1), begin: time.Now()} }

// set makes it ring at that time, zero for never, and not at any other that was set before.
func (a *alarm) set(at time.Time) {
	if at.IsZero() {
		a.at.Store(0)
		return
	}
	then := max(int64(at.Sub(a.begin)), 1)
	a.at.Store(then)
	if due := a.due.Load(); due != 0 && due <= then {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.start(then)
}

// start has the timer go off at that time, or before. The caller holds the lock.
func (a *alarm) start(at int64) {
	now := int64(time.Since(a.begin))
	wait := min(time.Duration(at-now), nap)
	a.due.Store(max(now+int64(wait), 1))
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.ring)
	} else {
		a.timer.Reset(wait)
	}
}

func (a *alarm) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due.Store(0)
	switch at := a.at.Load(); {
	case at == 0:
	case at > int64(time.Since(a.begin)):
		a.start(at)
	default:
		a.at.CompareAndSwap(at, 0)
		select {
		case a.woken <- struct{}{}:
		default:
		}
	}
}
