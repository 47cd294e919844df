package socket

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Pending lists what is missing until every subscription is in force at every peer: dialled endpoints without a connection, and peers that
// have not confirmed the current subscriptions. Empty means ready. It is text for people; the order is that of the alphabet.
func (s *subscribing) Pending() []string {
	var missing []string
	s.mu.RLock()
	for p := range s.publishers {
		if p.confirmed < s.generation {
			missing = append(missing, fmt.Sprintf("%s: peer %s has not confirmed the subscriptions", p.text, p.wire.remote()))
		}
	}
	missing = append(missing, s.of.unconnected()...)
	s.mu.RUnlock()
	slices.Sort(missing)
	return missing
}

// unconnected lists the dialled endpoints without a connection.
func (b *base) unconnected() (missing []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.links {
		if !l.connected {
			text := l.endpoint.text + ": not connected yet"
			if l.failure != nil {
				text += ": " + l.failure.Error()
			}
			missing = append(missing, text)
		}
	}
	return missing
}

// Ready waits until Pending is empty. When ctx ends first, the error lists what is missing and wraps that of ctx; on a closed socket it is [ErrClosed].
// A side that only listens is ready at once: see Publishers.
//
// A publisher answers behind what it has sent. One that sends more than fits into the socket is answered only while somebody receives.
func (s *subscribing) Ready(ctx context.Context) error {
	for {
		changed := s.of.Changed()
		if s.of.refusing.Load() {
			return ErrClosed
		}
		missing := s.Pending()
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("socket: not ready: %s: %w", strings.Join(missing, "; "), ctx.Err())
		}
	}
}

// Publishers returns how many connected peers have all current subscriptions. See Changed for how to wait for a number.
func (s *subscribing) Publishers() (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for p := range s.publishers {
		if p.confirmed >= s.generation {
			n++
		}
	}
	return n
}
