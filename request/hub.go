package request

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// hub is what the servers and clients of a bus have in common. It lives as long as the bus.
type hub struct {
	bus       *bus.Bus
	transport transport.Requester // nil if the bus has none that carries requests
	strays    atomic.Uint64       // requests that cannot be read
	outgoing  sync.Pool           // of *outgoing

	mu       sync.Mutex
	groups   sync.Map // of *group by the name of the call; written under mu
	fallback *Server  // serves what has no call name
	serving  bool     // the transport knows of the hub
}

// group are the servers of one call in this process.
type group struct {
	servers atomic.Pointer[[]*Server] // never changed, only replaced
	next    atomic.Uint64
}

// hubKey is what the hub is shared under.
type hubKey struct{}

// hubOf returns the hub of a bus.
func hubOf(b *bus.Bus) *hub {
	h, _ := b.Share(hubKey{}, func() any {
		return &hub{bus: b, transport: b.Requester()}
	})
	return h.(*hub)
}

// group returns the servers of a call.
func (h *hub) group(call string) *group {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.groupLocked(call)
}

func (h *hub) groupLocked(call string) *group {
	if g := h.find(call); g != nil {
		return g
	}
	g := &group{}
	g.servers.Store(&[]*Server{})
	h.groups.Store(call, g)
	return g
}

// find returns the servers of a call, nil if it was never heard of here: names that come from outside are not kept.
func (h *hub) find(call string) *group {
	g, _ := h.groups.Load(call)
	found, _ := g.(*group)
	return found
}

// pick returns one of the servers, in turns, nil if there is none.
func (g *group) pick() *Server {
	servers := *g.servers.Load()
	switch len(servers) {
	case 0:
		return nil
	case 1:
		return servers[0]
	}
	return servers[g.next.Add(1)%uint64(len(servers))]
}

// add makes a server known, in this process and to the transport.
func (h *hub) add(s *Server) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.options.Default && h.fallback != nil {
		return &bus.OptionError{Field: "request.ServeOptions.Default", Value: true, Limit: fmt.Sprintf("one server of a bus, which has %q", h.fallback.Name())}
	}
	if err := h.bus.Register(serverService{&s.slots, s}); err != nil {
		return err
	}
	g := h.groupLocked(s.call)
	before := g.servers.Load()
	next := append(slices.Clone(*before), s)
	g.servers.Store(&next)
	if s.options.Default {
		h.fallback = s
	}
	if h.transport != nil && !h.serving { // last: requests may come at once
		if err := h.transport.Serve(h); err != nil {
			g.servers.Store(before)
			h.fallback = nil
			h.bus.Unregister(serverService{&s.slots, s})
			return err
		}
		h.serving = true
	}
	h.bus.Tell()
	return nil
}

// remove makes a server unknown.
func (h *hub) remove(s *Server) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.groupLocked(s.call)
	next := slices.DeleteFunc(slices.Clone(*g.servers.Load()), func(other *Server) bool { return other == s })
	g.servers.Store(&next)
	if h.fallback == s {
		h.fallback = nil
	}
	h.bus.Tell()
}

// Request takes a request from the transport. It is a [transport.Server].
func (h *hub) Request(r transport.Request) {
	m := r.Message()
	if m.Envelope == nil {
		h.requestPlain(r)
		return
	}
	header, err := envelope.Parse(m.Envelope)
	if err != nil {
		h.strays.Add(1)
		h.refuse(r, m.Topic, &RemoteError{CodeDecode, err.Error()})
		return
	}
	if kind, _ := envelope.Lookup(header.Properties, kindProperty); kind == kindCancel {
		r.Cancel()
		return
	}
	var s *Server
	if g := h.find(m.Topic); g != nil {
		s = g.pick()
	}
	if s == nil {
		h.refuse(r, m.Topic, &RemoteError{CodeUnimplemented, fmt.Sprintf("nobody here serves %q", m.Topic)})
		return
	}
	s.take(newJob(s, r, header))
}

// requestPlain takes a request without the name of a call.
func (h *hub) requestPlain(r transport.Request) {
	h.mu.Lock()
	s := h.fallback
	h.mu.Unlock()
	if s == nil {
		h.strays.Add(1)
		h.refuse(r, "", &RemoteError{Code: CodeUnimplemented}) // a REQ waits for one
		return
	}
	s.take(newJob(s, r, envelope.Header{}))
}
