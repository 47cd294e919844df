package metrics

import (
	"sync"

	"github.com/fanfare-go/fanfare/bus"
)

// source is a bus that is watched.
type source struct {
	*bus.Bus

	mu   sync.Mutex
	sent uint64 // by the transport, at the last look
	lost uint64 // by how much that has gone back
}

// stats reads the counters of the bus. What was queued for a peer is no longer sent when its connection is lost, and Prometheus takes a counter
// that goes back for one of another process, which has counted all of it anew.
func (s *source) stats() bus.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.Stats()
	if stats.Transport.Sent < s.sent {
		s.lost += s.sent - stats.Transport.Sent
	}
	s.sent = stats.Transport.Sent
	stats.Transport.Sent += s.lost
	return stats
}
