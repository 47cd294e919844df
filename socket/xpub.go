package socket

import (
	"sync"

	"github.com/fanfare-go/fanfare/internal/match"
	"github.com/go-zeromq/zmq4"
)

// XPub is a [Pub] that receives what its peers subscribe to: a message of one frame, 1 and the prefix for the first subscription to a prefix
// among all peers, 0 and the prefix when the last one has ended, the loss of a peer included. With Options.Verbose every subscription is
// received. Other messages that XSUB peers send are received as they are.
//
// Subscriptions count against no mark. A peer that sends more than 65,536 that the application does not receive is not read from meanwhile.
type XPub struct {
	base
	publishing
	up upward
}

// NewXPub returns an XPUB socket. It has no goroutine before the first Listen or Dial.
func NewXPub(opts *Options) *XPub {
	p := &XPub{}
	p.setup(zmq4.XPub, opts, &p.publishing)
	p.publishing.init(&p.base)
	p.receives()
	p.inbox.ordered = true // what is first and what is last of a prefix depends on all peers
	p.inbox.replaced = nil // a subscription must not take the place of another
	p.up.base = &p.base
	p.upward = &p.up
	return p
}

// upward tells an XPUB's reader of subscriptions.
type upward struct {
	base *base
	mu   sync.Mutex
	all  match.Prefixes // of all peers, counted
}

// tell notes that a peer subscribed or unsubscribed, and whether that changed its own set.
func (u *upward) tell(s *subscriber, prefix []byte, subscribe, changed bool) {
	select {
	case <-s.left: // nobody would wait for room
	default:
		u.base.inbox.await(s.in, maxSubscriptions)
	}
	u.mu.Lock()
	defer u.mu.Unlock() // what is told comes in the order of what has changed
	news := false
	switch {
	case !changed:
	case subscribe:
		news = u.all.Add(prefix)
	default:
		news = u.all.Remove(prefix)
	}
	if !news && !(subscribe && u.base.opts.Verbose) {
		return
	}
	op := byte(0)
	if subscribe {
		op = 1
	}
	message := append([]byte{op}, prefix...)
	n := u.base.inbox.put(s.in, [][][]byte{{message}}, nil, -1)
	u.base.counters.received.Add(uint64(n))
}
