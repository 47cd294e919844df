package bus

import (
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

// Stats are the counters of a bus, since it was made.
type Stats struct {
	Published      uint64 // events that were accepted from publishers of this bus
	Refused        uint64 // publishes that returned an error
	Received       uint64 // messages that came from the transport
	Unmatched      uint64 // events that no subscription of this bus wanted, and that no transport could take further
	Echo           uint64 // received events that this bus had published itself
	Duplicate      uint64 // received events that had been received before
	Lost           uint64 // events that are missing between received ones: the sum of all Gap notices
	BadEnvelopes   uint64 // received messages with an envelope that cannot be read
	Abandoned      uint64 // deliveries of received events that found no room before the bus was closed
	Evicted        uint64 // pairs of source and topic that were forgotten for room
	NoticesDropped uint64 // notices that callbacks were too slow for
	// Transport has the transport's own counters. It is zero without a transport.
	Transport transport.Stats
}

// counts are those counters that no lock guards.
type counts struct {
	refused, received, unmatched, echo, duplicate, lost, badEnvelopes, abandoned, evicted atomic.Uint64
	peersDropped                                                                          atomic.Uint64 // by the transport, as far as told
}

// Stats reads the counters.
func (b *Bus) Stats() Stats {
	s := Stats{
		Refused:        b.refused.Load(),
		Received:       b.received.Load(),
		Unmatched:      b.unmatched.Load(),
		Echo:           b.echo.Load(),
		Duplicate:      b.duplicate.Load(),
		Lost:           b.lost.Load(),
		BadEnvelopes:   b.badEnvelopes.Load(),
		Abandoned:      b.abandoned.Load(),
		Evicted:        b.evicted.Load(),
		NoticesDropped: b.notices.lost(),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.routes {
		r.mu.Lock()
		s.Published += r.seq + r.plain
		s.Unmatched += r.unmatched
		r.mu.Unlock()
	}
	if b.transport != nil {
		s.Transport = b.transport.Stats()
	}
	return s
}
