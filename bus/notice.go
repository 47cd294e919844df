package bus

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// Notice tells of something that happened to events or peers: one of [Gap], [NewSource], [PeerUp], [PeerDown],
// [Dropped] and [Slow].
type Notice interface {
	fmt.Stringer
	notice()
}

// Gap says that the events From to To of a source and topic were lost on the way here.
type Gap struct {
	Source   uuid.UUID
	Topic    string
	From, To uint64
}

// NewSource says that a known topic has its first event from another source: another publisher, or the same one restarted.
type NewSource struct {
	Source uuid.UUID
	Topic  string
}

// PeerUp says that a peer of the transport has connected and completed its handshake.
type PeerUp struct {
	Peer transport.Peer
}

// PeerDown says that the connection of a peer has ended.
type PeerDown struct {
	Peer transport.Peer
	Err  error // why, when known
}

// Slow says that a handler has been at one event for long, or that a Publish has waited for room for long: for Options.SlowAfter or more. There is
// one for each such event and each such Publish. Inline handlers are not watched: publishers wait for them.
type Slow struct {
	Subscription string        // whose handler takes long, or whose queue is full
	CallSite     string        // where the program made the subscription
	Topic        string        // what is published to; "" when it is the handler that takes long
	Age          time.Duration // how long so far, to a quarter of a second for handlers
	Depth        uint64        // events that wait in the queue
}

// Dropped says that events were dropped by the overflow policy of a subscription. There is at most one a second for each.
type Dropped struct {
	Subscription string   // "" when the transport dropped them: for peers that were too slow, or whose connection was lost
	Policy       Overflow // 0 for the transport
	N            uint64   // how many, since the notice before
}

func (Gap) notice()       {}
func (NewSource) notice() {}
func (PeerUp) notice()    {}
func (PeerDown) notice()  {}
func (Slow) notice()      {}
func (Dropped) notice()   {}

// String describes the notice in one line.
func (n Gap) String() string {
	return fmt.Sprintf("gap: events %d to %d of %q from %s were lost", n.From, n.To, n.Topic, n.Source)
}

// String describes the notice in one line.
func (n NewSource) String() string { return fmt.Sprintf("new source: %s on %q", n.Source, n.Topic) }

// String describes the notice in one line.
func (n PeerUp) String() string {
	return fmt.Sprintf("peer up: %s %s at %s", n.Peer.Role, n.Peer.Address, n.Peer.Endpoint)
}

// String describes the notice in one line.
func (n PeerDown) String() string {
	if n.Err == nil {
		return fmt.Sprintf("peer down: %s %s at %s", n.Peer.Role, n.Peer.Address, n.Peer.Endpoint)
	}
	return fmt.Sprintf("peer down: %s %s at %s: %v", n.Peer.Role, n.Peer.Address, n.Peer.Endpoint, n.Err)
}

// String describes the notice in one line.
func (n Slow) String() string {
	if n.Topic != "" {
		return fmt.Sprintf("slow: publish to %q has waited %v for room in %s (%s)", n.Topic, n.Age, n.Subscription, n.CallSite)
	}
	return fmt.Sprintf("slow: a handler of %s (%s) is at one event for %v, %d events wait", n.Subscription, n.CallSite, n.Age, n.Depth)
}

// String describes the notice in one line.
func (n Dropped) String() string {
	if n.Subscription == "" {
		return fmt.Sprintf("dropped: %d messages by the transport", n.N)
	}
	return fmt.Sprintf("dropped: %d events of %s (%v)", n.N, n.Subscription, n.Policy)
}

// maxNotices is how many notices wait for their callbacks at most.
const maxNotices = 1024

// notifier calls the callbacks, one notice after the other, in a goroutine that lives while there are notices.
type notifier struct {
	log zerolog.Logger

	mu        sync.Mutex
	callbacks []func(Notice)
	queue     []Notice
	running   bool
	closed    bool
	dropped   uint64
	idle      chan struct{} // closed when the goroutine has ended after close
}

// add registers a callback.
func (n *notifier) add(f func(Notice)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.callbacks = append(n.callbacks[:len(n.callbacks):len(n.callbacks)], f)
}

// send queues a notice. Without callbacks nobody could ever have seen it.
func (n *notifier) send(notice Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed || len(n.callbacks) == 0:
	case len(n.queue) >= maxNotices:
		n.dropped++
	default:
		n.queue = append(n.queue, notice)
		if !n.running {
			n.running = true
			go n.run()
		}
	}
}

func (n *notifier) run() {
	defer n.ended()
	for {
		n.mu.Lock()
		if len(n.queue) == 0 {
			n.queue = nil
			n.mu.Unlock()
			return
		}
		notice, callbacks := n.queue[0], n.callbacks
		n.queue = n.queue[1:]
		n.mu.Unlock()
		for _, f := range callbacks {
			n.tell(f, notice)
		}
	}
}

// tell calls one callback. Like a handler, it does not end the process.
func (n *notifier) tell(f func(Notice), notice Notice) {
	defer func() {
		if v := recover(); v != nil {
			n.log.Error().Any("panic", v).Bytes("stack", debug.Stack()).Stringer("notice", notice).Msg("notice callback panicked")
		}
	}()
	f(notice)
}

// ended is deferred, so that a callback that ends its goroutine stops neither the notices nor Close.
func (n *notifier) ended() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) > 0 {
		go n.run()
		return
	}
	n.running = false
	if n.closed {
		close(n.idle)
	}
}

// close refuses further notices. Those queued are still told; the returned channel is closed after them.
func (n *notifier) close() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.closed = true
		n.idle = make(chan struct{})
		if !n.running {
			close(n.idle)
		}
	}
	return n.idle
}

func (n *notifier) lost() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dropped
}
