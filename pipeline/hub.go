package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/transport"
)

// hub is what all tasks of a bus have in common: its depots, and the processes that its transport connects it with. Its lock comes before that
// of a depot.
type hub struct {
	bus     *bus.Bus
	tasker  transport.Tasker // nil without a transport for tasks
	changed change.Signal    // of workers and producers

	mu        sync.Mutex
	depots    map[string]*depot
	producing bool // the transport has the hub as its source
	working   bool // and as its sink
	remotes   map[transport.TaskWorker]*remote
	sources   map[transport.TaskProducer]*source
	plain     *depot // whose tasks go to plain peers
	fallback  *worker
}

type hubKey struct{}

// hubOf returns the hub of a bus. It is there as long as the bus.
func hubOf(b *bus.Bus) *hub {
	h, _ := b.Share(hubKey{}, func() any {
		return &hub{
			bus: b, tasker: b.Tasker(), depots: map[string]*depot{},
			remotes: map[transport.TaskWorker]*remote{}, sources: map[transport.TaskProducer]*source{},
		}
	})
	return h.(*hub)
}

// depot returns the depot of a task. The lock is held.
func (h *hub) depot(name string) (*depot, error) {
	if d := h.depots[name]; d != nil {
		return d, nil
	}
	d := newDepot(h, name)
	if err := h.bus.Register(d); err != nil {
		return nil, err
	}
	h.depots[name] = d
	for _, r := range h.remotes {
		if c := r.claims[name]; c != nil {
			c.attach(d)
		}
	}
	return d, nil
}

// produce has the transport tell of workers. The lock is not held.
func (h *hub) produce() error {
	if h.tasker == nil || !h.tasker.Pushes() {
		return nil
	}
	h.mu.Lock()
	first := !h.producing
	h.producing = true
	h.mu.Unlock()
	if !first {
		return nil
	}
	_, err := h.tasker.Produce(h) // until the end of the bus
	return closedBy(err)
}

// work has the transport tell of producers. The lock is not held.
func (h *hub) work() error {
	if h.tasker == nil || !h.tasker.Pulls() {
		return nil
	}
	h.mu.Lock()
	first := !h.working
	h.working = true
	h.mu.Unlock()
	if !first {
		return nil
	}
	_, err := h.tasker.Work(h)
	return closedBy(err)
}

// await waits until have returns n or more. It looks again whenever workers or producers have come or gone.
func (h *hub) await(ctx context.Context, n int, what, task string, have func() int) error {
	for {
		changed := h.changed.Next()
		if h.over() {
			return bus.ErrClosed
		}
		now := have()
		if now >= n {
			return nil
		}
		select {
		case <-changed:
		case <-h.bus.Context().Done():
		case <-ctx.Done():
			return &bus.NotReadyError{Missing: []string{fmt.Sprintf("%d of %d %s of %q", now, n, what, task)}, Err: ctx.Err()}
		}
	}
}

// over reports whether the bus has ended.
func (h *hub) over() bool { return h.bus.Context().Err() != nil }

// ending reports whether the bus has begun to end.
func (h *hub) ending() bool { return change.Closed(h.bus.Draining()) }

// closedBy returns what a transport that has ended means to users of the bus.
func closedBy(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return bus.ErrClosed
	}
	return err
}

var errTooManyNames = errors.New("pipeline: the peer has announced more than 4096 names of tasks")

// maxNames is how many tasks a process may announce.
const maxNames = 4096
