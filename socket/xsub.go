package socket

import (
	"context"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// XSub is a [Sub] whose subscriptions are messages that it sends, of one frame: 1 and the prefix subscribes, 0 and the prefix takes one
// subscription back. It may call Subscribe and Unsubscribe as well. Other messages go to all peers, of which XPUB hands them to its
// reader; a peer whose queue is full misses them, counted. What is received is not filtered here.
type XSub struct {
	base
	subscribing
}

// NewXSub returns an XSUB socket without subscriptions. It has no goroutine before the first Listen or Dial.
func NewXSub(opts *Options) *XSub {
	s := &XSub{}
	s.setup(zmq4.XSub, opts, &s.subscribing)
	s.subscribing.init(&s.base, false)
	s.sender = upstream{&s.subscribing}
	return s
}

// upstream is how an XSUB sends.
type upstream struct{ s *subscribing }

func (u upstream) send(_ context.Context, frames [][]byte, _ bool) error {
	if prefix, subscribe, ok := zmtp.ParseSubscription(frames); ok {
		if subscribe {
			return u.s.subscribeAgain(string(prefix))
		}
		return u.s.Unsubscribe(string(prefix))
	}
	u.s.mu.RLock()
	defer u.s.mu.RUnlock()
	for p := range u.s.publishers {
		kept, pages := u.s.of.keep(frames, false) // each peer has its own
		p.out.lock()
		if !p.out.offer(kept, pages) {
			p.out.dropped++
		}
		p.out.unlock()
	}
	return u.s.of.accepted()
}

func (u upstream) sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (int, error) {
	return each(ctx, u, msgs, own)
}

// subscribeAgain is Subscribe, and tells the peers of a prefix that they have already: an XPUB with Verbose hands that on.
func (s *subscribing) subscribeAgain(prefix string) error {
	return s.change(func(p []byte) bool {
		s.prefixes.Add(p)
		return true
	}, zmtp.AppendSubscribe, prefix)
}
