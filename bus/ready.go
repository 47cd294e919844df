package bus

import (
	"context"
	"fmt"
)

// await waits until missing returns nothing. It looks again whenever publishers, subscriptions or peers come or go.
func (b *Bus) await(ctx context.Context, missing func() []string) error {
	for {
		local := b.changed.Next()
		var remote <-chan struct{}
		if b.transport != nil {
			remote = b.transport.Changed()
		}
		if b.state.Load() == closed {
			return ErrClosed
		}
		left := missing()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-local:
		case <-remote:
		case <-ctx.Done():
			return &NotReadyError{Missing: left, Err: ctx.Err()}
		}
	}
}

// Ready waits until the subscriptions made so far are in force, inside the module: see sentence 7 of the contract.
func (b *Bus) Ready(ctx context.Context) error {
	return b.await(ctx, func() []string {
		if b.transport == nil {
			return nil
		}
		return b.transport.Pending()
	})
}

// WaitPublishers waits until s has n publishers, inside the module: those of this bus on topics that it matches, and connected peers
// that have its subscription.
func (b *Bus) WaitPublishers(ctx context.Context, s Sink, n int) error {
	return b.await(ctx, func() []string {
		have := 0
		b.mu.Lock()
		for name, r := range b.routes {
			if s.Selector().Match(name) {
				have += r.publishers
			}
		}
		b.mu.Unlock()
		if b.transport != nil {
			have += b.transport.Publishers()
		}
		return short(have, n, "publishers of", s.Member().Name)
	})
}

// WaitSubscribers waits until the route has n subscribers, inside the module: subscriptions of this bus if local, and connected peers if
// remote.
func (r *Route) WaitSubscribers(ctx context.Context, n int, local, remote bool) error {
	return r.bus.await(ctx, func() []string {
		have := 0
		if local {
			r.mu.Lock()
			have = r.subscribers
			r.mu.Unlock()
		}
		if remote {
			have += r.bus.transport.Subscribers(r.name)
		}
		return short(have, n, "subscribers of", r.name)
	})
}

// short says that there are fewer than wanted, or nothing.
func short(have, want int, what, of string) []string {
	if have >= want {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d %s %q", have, want, what, of)}
}
