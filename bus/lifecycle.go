package bus

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/lane"
)

// The states of a bus, in the order in which it goes through them.
const (
	open     int32 = iota
	shutting       // only handlers may publish
	closed
)

// lifecycle is how a bus ends.
type lifecycle struct {
	state         atomic.Int32
	draining      chan struct{} // closed when the state is no longer open
	drainOnce     sync.Once
	stopReceiving context.CancelFunc
	receivers     sync.WaitGroup // read the transport
	watchers      sync.WaitGroup // read the transport's events
	shuttingDown  atomic.Bool
	closeOnce     sync.Once
	shutdownDone  chan struct{} // closed when Shutdown has done its work
	shutdownErr   error         // of the first Shutdown, set before that
	done          chan struct{}
}

func (l *lifecycle) init() {
	l.stopReceiving = func() {}
	l.draining, l.shutdownDone, l.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
}

// Done is closed when the bus has ended and the last handler has returned.
func (b *Bus) Done() <-chan struct{} { return b.done }

// admits reports whether a bus in that state, which is not open, takes a publish with that context: one from a handler, while it drains.
func (b *Bus) admits(ctx context.Context, state int32) bool {
	return state == shutting && b.handlerOf(ctx) != nil
}

// refuse sends publishers that wait for room away.
func (l *lifecycle) refuse() { l.drainOnce.Do(func() { close(l.draining) }) }

// Shutdown ends the bus without losing what it has accepted: see sentence 9 of the contract. It returns nil when everything was
// done, a [*DrainError] when ctx ended before, and [ErrInHandler] when it is called with the context of a handler, which it cannot
// wait for. After Close it returns [ErrClosed]. Calls after the first one wait for that, and return its error.
func (b *Bus) Shutdown(ctx context.Context) error {
	first := b.shuttingDown.CompareAndSwap(false, true)
	if b.handlerOf(ctx) != nil {
		if first {
			go b.shutdownDetached(ctx) // Done is closed after it
		}
		return ErrInHandler
	}
	if first {
		b.shutdown(ctx)
		return b.shutdownErr
	}
	select {
	case <-b.shutdownDone:
		return b.shutdownErr
	case <-ctx.Done():
		return &DrainError{Err: ctx.Err()}
	}
}

// shutdownDetached shuts down by the deadline of a handler's context, which itself ends with the handler's subscription.
func (b *Bus) shutdownDetached(ctx context.Context) {
	detached := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		detached, cancel = context.WithDeadline(detached, deadline)
		defer cancel()
	}
	b.shutdown(detached)
}

// shutdown does the work of Shutdown, once.
func (b *Bus) shutdown(ctx context.Context) {
	defer close(b.shutdownDone)
	if !b.state.CompareAndSwap(open, shutting) {
		b.shutdownErr = ErrClosed
		return
	}
	b.refuse()
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(b.ctx, func() { cancel(ErrClosed) })() // Close ends a Shutdown that is under way

	services := b.servicesNow()
	for _, s := range services {
		s.Drain()
	}
	members := b.members()
	before := make([]uint64, len(members))
	for i, m := range members {
		before[i] = m.Totals().Abandoned
	}
	failure := &DrainError{}
	drained := b.drain(ctx)
	b.freeze()
	for i, m := range members {
		t := m.Totals()
		left := UndrainedSubscription{Name: m.Name, Queued: t.Queued + t.Abandoned - before[i], Running: t.Running}
		if left.Queued+left.Running > 0 {
			failure.Subscriptions = append(failure.Subscriptions, left)
		}
	}
	failure.Subscriptions = append(failure.Subscriptions, left(services)...)
	if b.transport != nil {
		failure.Transport = b.transport.Shutdown(ctx)
	}
	if !drained || failure.Transport != nil {
		if failure.Err = context.Cause(ctx); b.ctx.Err() != nil {
			failure.Err = ErrClosed
		}
		b.shutdownErr = failure
	}
	cancel(nil)
	b.end()
}

// drain stops receiving and waits until nothing is queued and no handler runs, then closes the bus to handlers as well. It reports
// whether that was so before ctx ended.
func (b *Bus) drain(ctx context.Context) bool {
	b.stopReceiving()
	received := make(chan struct{})
	go func() { // ends with the receivers, at the latest in end
		defer close(received)
		b.receivers.Wait()
	}()
	if !wait(ctx, received) {
		return false
	}
	for !b.freezeIdle() {
		for _, idle := range b.busy() {
			if idle != nil && !wait(ctx, idle) {
				return false
			}
		}
	}
	return b.ctx.Err() == nil // otherwise it is Close that has emptied the queues
}

// wait waits for event and reports whether it came before ctx ended.
func wait(ctx context.Context, event <-chan struct{}) bool {
	select {
	case <-event:
		return true
	case <-ctx.Done():
		return false
	}
}

// freeze closes the bus to all publishers. When it returns, no publish is under way.
func (b *Bus) freeze() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Store(closed)
	for _, r := range b.routes { // takes its lock, which a publish that was admitted before has
		r.retarget(nil)
	}
}

// freezeIdle is freeze, if nothing is queued and no handler runs. It reports whether that was so. While it holds the locks of all
// routes nothing can be published, so that what is idle stays idle.
func (b *Bus) freezeIdle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.routes {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	if b.roster.Idle() != nil {
		return false
	}
	for _, m := range b.leaving { // the roster does not know calls of those that were inline
		if !m.ended() {
			return false
		}
	}
	for s := range b.sinks.All {
		if i := s.Inline(); i != nil && !i.State().Rests() {
			return false
		}
	}
	if !b.servicesIdle() {
		return false
	}
	b.state.Store(closed)
	return true
}

// members returns all subscriptions, and those that were closed and still have handlers running.
func (b *Bus) members() []*lane.Member {
	b.mu.Lock()
	defer b.mu.Unlock()
	members := make([]*lane.Member, 0, b.sinks.Len()+len(b.leaving))
	for s := range b.sinks.All {
		members = append(members, s.Member())
	}
	for _, m := range b.leaving {
		members = append(members, m.Member)
	}
	return members
}

// busy returns channels that are closed when what keeps the bus from being idle is done; those of what is done may be nil.
func (b *Bus) busy() []<-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	busy := []<-chan struct{}{b.roster.Idle()}
	for s := range b.sinks.All {
		if i := s.Inline(); i != nil {
			busy = append(busy, i.State().Idle())
		}
	}
	for _, m := range b.leaving {
		busy = append(busy, m.Done())
	}
	for _, s := range b.services {
		idle, _ := s.Idle()
		busy = append(busy, idle)
	}
	return busy
}

// Close ends the bus at once: see sentence 9 of the contract. It is idempotent, may be called from a handler, and returns what the
// transport's Close returns.
func (b *Bus) Close() error {
	b.freeze()
	b.refuse()
	return b.end()
}

// end closes everything and waits for it, handlers excepted.
func (b *Bus) end() (err error) {
	b.closeOnce.Do(func() {
		b.cancel()
		b.stopReceiving()
		b.mu.Lock()
		sinks, services := slices.Collect(b.sinks.All), slices.Clone(b.services)
		b.mu.Unlock()
		for _, s := range sinks {
			s.Close()
		}
		for _, s := range services {
			s.Close()
		}
		if b.transport != nil {
			err = b.transport.Close()
		}
		b.receivers.Wait()
		b.watchers.Wait()
		b.clock.stop()
		b.roster.Stop()
		b.changed.Tell()
		told := b.notices.close()
		members := b.members()
		go func() {
			for _, m := range members {
				<-m.Done()
			}
			for _, s := range services {
				<-s.Done()
			}
			<-told
			close(b.done)
		}()
	})
	return err
}
