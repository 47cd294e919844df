package bus

import (
	"context"
	"slices"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/transport"
)

// Service is work on a bus that is not a subscription's: that of a server of requests, of a queue of tasks, of their workers. Shutdown
// waits for it, and Close ends it. Packages request and pipeline implement it; it is exported for the module's own packages.
//
// The methods may be called concurrently. The bus calls Idle and Left while it holds its locks, so they must not call the bus.
type Service interface {
	// Name is what errors call it.
	Name() string
	// Of tells what it is, such as "server", and the bare name of that, which middleware knows it by.
	Of() (kind, name string)
	// Drain is called once, when Shutdown begins: the service takes no more work from outside of the bus's handlers.
	Drain()
	// Idle returns nil when nothing waits and nothing runs, else a channel that is closed as soon as that may be so; and how much work has
	// ever begun, so that two looks at several services can tell that nothing has begun in between.
	Idle() (idle <-chan struct{}, begun uint64)
	// Left counts what waits, or was given up at the end, and what runs.
	Left() (queued, running uint64)
	// Close ends the service: the contexts of its handlers, and what waits. It does not wait for handlers.
	Close()
	// Done is closed when it was closed and its last handler has returned.
	Done() <-chan struct{}
}

// Register adds a service, inside the module. It is forgotten when it is done, or by Unregister.
func (b *Bus) Register(s Service) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != open {
		return ErrClosed
	}
	b.services = slices.DeleteFunc(b.services, func(s Service) bool { return change.Closed(s.Done()) })
	b.services = append(b.services, s)
	return nil
}

// Unregister takes a service off the bus that has nothing left to do, inside the module.
func (b *Bus) Unregister(s Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services = slices.DeleteFunc(b.services, func(other Service) bool { return other == s })
}

// Admit returns nil if a call with that context may begin work now, inside the module: while the bus drains, only its handlers may. Else
// the error is [ErrClosed].
func (b *Bus) Admit(ctx context.Context) error {
	if state := b.state.Load(); state == open || b.admits(ctx, state) {
		return nil
	}
	return ErrClosed
}

// Context is what handlers' contexts derive from, inside the module. It ends with the bus.
func (b *Bus) Context() context.Context { return b.ctx }

// Requester returns the transport if it carries requests, inside the module, else nil.
func (b *Bus) Requester() transport.Requester {
	r, _ := b.transport.(transport.Requester)
	return r
}

// Tasker returns the transport if it carries tasks, inside the module, else nil.
func (b *Bus) Tasker() transport.Tasker {
	t, _ := b.transport.(transport.Tasker)
	return t
}

// Await waits until missing returns nothing, inside the module. It is asked again whenever something comes or goes on the bus or its
// transport. When ctx ends first, the error is a [*NotReadyError] with what was missing; after the end of the bus it is [ErrClosed].
func (b *Bus) Await(ctx context.Context, missing func() []string) error { return b.await(ctx, missing) }

// Changed returns a channel that is closed when something comes to the bus or goes, inside the module; Tell says that it has.
func (b *Bus) Changed() <-chan struct{} { return b.changed.Next() }

// Tell closes the channel of Changed, inside the module.
func (b *Bus) Tell() { b.changed.Tell() }

// ServiceStats are how much work a server, a client, a queue of tasks or a worker has.
type ServiceStats struct {
	Kind    string // "server", "client", "worker", or "queue" for one of tasks
	Name    string // of the server or worker, or the call or task, as in Party; not unique
	Queued  uint64 // what waits now; of a queue of tasks all that are not done, those that workers have included
	Running uint64 // what runs now; of a queue of tasks nothing, since workers count it
}

// Services returns how much work there is on the bus that is not a subscription's. It may be called concurrently; the caller owns the slice.
func (b *Bus) Services() (all []ServiceStats) {
	for _, s := range b.servicesNow() {
		if !change.Closed(s.Done()) {
			queued, running := s.Left()
			kind, name := s.Of()
			all = append(all, ServiceStats{Kind: kind, Name: name, Queued: queued, Running: running})
		}
	}
	return all
}

// servicesNow returns the services that there are.
func (b *Bus) servicesNow() []Service {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.services)
}

// servicesIdle reports whether no service has work, and none can have got any while they were looked at. The caller holds mu, and has made
// sure that no subscription has work.
func (b *Bus) servicesIdle() bool {
	begun := make([]uint64, len(b.services))
	for i, s := range b.services {
		var busy <-chan struct{}
		if busy, begun[i] = s.Idle(); busy != nil {
			return false
		}
	}
	for i, s := range b.services {
		if _, now := s.Idle(); now != begun[i] {
			return false
		}
	}
	return true
}

// left returns what the services have not done.
func left(services []Service) (all []UndrainedSubscription) {
	for _, s := range services {
		if queued, running := s.Left(); queued+running > 0 {
			all = append(all, UndrainedSubscription{Name: s.Name(), Queued: queued, Running: running})
		}
	}
	return all
}
