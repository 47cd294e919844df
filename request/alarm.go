package request

import (
	"sync"
	"time"
)

// nap is how long a timer runs at most before it looks again. A trial that is not used again is kept alive by its timer for as long.
const nap = time.Second

// alarm wakes who asks for it at a time. Its timer runs on when that time is put off, or when nobody asks any more: nearly all requests are
// answered long before, and a timer that goes off in vain now and then costs less than one set for each.
type alarm struct {
	rings chan struct{} // gets a token at the time; there may be an old one

	mu    sync.Mutex
	timer *time.Timer // nil before the first time
	at    time.Time   // when it is to ring; zero: never
	due   time.Time   // when the timer goes off; zero: it does not run
}

// set makes it ring at that time, zero for never, and not at any other that was set before.
func (a *alarm) set(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = at
	if !at.IsZero() && (a.due.IsZero() || at.Before(a.due)) {
		a.start()
	}
}

// start has the timer go off at that time, or before. The caller holds the lock.
func (a *alarm) start() {
	wait := min(time.Until(a.at), nap)
	a.due = time.Now().Add(wait)
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.ring)
	} else {
		a.timer.Reset(wait)
	}
}

func (a *alarm) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = time.Time{}
	switch {
	case a.at.IsZero():
	case time.Until(a.at) > 0:
		a.start()
	default:
		a.at = time.Time{}
		select {
		case a.rings <- struct{}{}:
		default:
		}
	}
}
