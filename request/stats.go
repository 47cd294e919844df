package request

import "sync/atomic"

// ServerStats are the counters of a server, all read at one moment:
// Requests = Queued + Running + Succeeded + Failed + Expired + Refused.
type ServerStats struct {
	Requests  uint64 // that came from other processes, and calls of this one
	Queued    uint64 // waiting now
	Running   uint64 // in handlers now
	Succeeded uint64 // handlers returned nil
	Failed    uint64 // handlers returned an error, panicked or ended their goroutine, or the request did not decode
	Expired   uint64 // their time was over before a handler was free
	Refused   uint64 // there was no room, or the server was ending
	Repeated  uint64 // not among Requests: attempts that ServeOptions.Idempotent answered
}

// Stats reads the counters.
func (s *Server) Stats() ServerStats {
	s.slots.mu.Lock()
	defer s.slots.mu.Unlock()
	return ServerStats{
		Requests:  s.slots.begun,
		Queued:    uint64(s.slots.waiting.n + len(s.slots.callers)),
		Running:   s.slots.running,
		Succeeded: s.slots.ended[success],
		Failed:    s.slots.ended[failure],
		Expired:   s.slots.ended[expiry],
		Refused:   s.slots.ended[refusal],
		Repeated:  s.repeated.Load(),
	}
}

// ClientStats are the counters of a client: Requests = Running + Succeeded + Failed.
type ClientStats struct {
	Requests  uint64 // calls of Do
	Running   uint64 // under way now
	Succeeded uint64
	Failed    uint64
	Attempts  uint64 // that were sent to other processes
	Lost      uint64 // attempts whose connection ended before the reply
}

// attempts are counted beside the requests.
type attempts struct{ sent, lost atomic.Uint64 }

// Stats reads the counters.
func (c *Client[Req, Resp]) Stats() ClientStats {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	return ClientStats{
		Requests:  c.slots.begun,
		Running:   c.slots.running,
		Succeeded: c.slots.ended[success],
		Failed:    c.slots.ended[failure],
		Attempts:  c.attempts.sent.Load(),
		Lost:      c.attempts.lost.Load(),
	}
}
