package bustest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/request"
)

// company is the buses of one test that are connected with each other.
type company struct {
	t       testing.TB
	ending  sync.Once
	servers change.Signal // one of the buses serves something
	serving sync.WaitGroup

	mu     sync.Mutex
	buses  []*bus.Bus
	served bool
}

// join adds a bus.
func (c *company) join(b *bus.Bus) {
	c.mu.Lock()
	c.buses = append(c.buses, b)
	c.mu.Unlock()
	if b.Requester() != nil {
		c.serving.Go(func() { c.answer(b) })
	}
	c.t.Cleanup(func() { // before the bus ends, and those before it
		c.t.Helper()
		c.ending.Do(c.end)
	})
}

// answer waits until a bus of the company serves something, and has b serve something as well. One that serves nothing keeps the requests
// that come to it, for a server that is yet to begin, and each of its peers that asks would wait for that as well as for the bus that serves.
func (c *company) answer(b *bus.Bus) {
	for {
		own, others := b.Changed(), c.servers.Next()
		switch {
		case serves(b):
			c.mu.Lock()
			c.served = true
			c.mu.Unlock()
			c.servers.Tell()
			return
		case c.serves():
			c.refuse(b)
			return
		}
		select {
		case <-own:
		case <-others:
		case <-b.Draining():
			return
		}
	}
}

func (c *company) serves() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// serves reports whether the bus serves a call.
func serves(b *bus.Bus) bool {
	return slices.ContainsFunc(b.Services(), func(s bus.ServiceStats) bool { return s.Kind == "server" })
}

// refuse has a bus serve a call that nobody asks for.
func (c *company) refuse(b *bus.Bus) {
	nothing := request.NewCall[struct{}, struct{}]("bustest.nothing")
	_, err := request.Serve(b, nothing, func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }, nil)
	if err != nil && !change.Closed(b.Draining()) {
		c.t.Errorf("serving %q: %v", nothing, err)
	}
}

// end drains the buses in an order in which each still has those that it needs: who gives tasks needs the workers of others, and who sends
// events their subscriptions. New does the rest for each.
func (c *company) end() {
	c.t.Helper()
	c.mu.Lock()
	buses := slices.Clone(c.buses)
	c.mu.Unlock()
	buses = slices.DeleteFunc(buses, func(b *bus.Bus) bool {
		allowed, release := allowanceOf(b, func() any { return (*allowance)(nil) })
		defer release()
		return allowed == nil || !strict(c.t, b, allowed)
	})
	idle() // in a bubble, nothing is on its way any more
	inOrderOfNeed(buses)
	for _, b := range buses {
		drain(c.t, b)
	}
}

// inOrderOfNeed sorts buses by what they need others for: those with tasks that are not done, those that have sent more than they have
// received, and the others.
func inOrderOfNeed(buses []*bus.Bus) {
	slices.SortStableFunc(buses, func(x, y *bus.Bus) int {
		return cmp.Or(cmp.Compare(tasks(y), tasks(x)), cmp.Compare(surplus(y), surplus(x)))
	})
}

// tasks is 1 for a bus with tasks that are not done, and 0 for others.
func tasks(b *bus.Bus) int {
	if slices.ContainsFunc(b.Services(), func(s bus.ServiceStats) bool { return s.Kind == "queue" && s.Queued > 0 }) {
		return 1
	}
	return 0
}

// surplus is how many messages a bus has sent more than it has received.
func surplus(b *bus.Bus) int64 {
	s := b.Stats().Transport
	return int64(s.Sent) - int64(s.Received)
}
