package socket

import (
	"context"
	"sync"

	"github.com/fanfare-go/fanfare/internal/match"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// Sub receives the messages whose first frame begins with a prefix it subscribed to, from all its peers in turns.
type Sub struct {
	base

	mu         sync.RWMutex
	prefixes   match.Prefixes
	generation uint64 // of prefixes, from 1: goes up with each change that peers must learn of
	publishers map[*publisher]struct{}
}

// NewSub returns a SUB socket without subscriptions. It has no goroutine before the first Listen or Dial.
func NewSub(opts *Options) *Sub {
	s := &Sub{publishers: make(map[*publisher]struct{}), generation: 1}
	s.init(zmq4.Sub, opts, s)
	s.inbox = newInbox(s.opts.ReceiveHWM)
	return s
}

// Subscribe asks all publishers, present and future, for messages that begin with prefix; "" asks for all. Subscriptions are counted: each
// needs an Unsubscribe of its own. It never waits; Ready tells when publishers have the subscription. The error is [ErrClosed].
func (s *Sub) Subscribe(prefix string) error {
	return s.change(func(p []byte) bool { return s.prefixes.Add(p) }, zmtp.AppendSubscribe, prefix)
}

// Unsubscribe takes back one Subscribe of prefix; without one it does nothing. Messages received before are still delivered.
func (s *Sub) Unsubscribe(prefix string) error {
	return s.change(func(p []byte) bool { return s.prefixes.Remove(p) }, zmtp.AppendCancel, prefix)
}

// change applies a change of the prefixes and tells the peers if it was the first or last of its prefix.
func (s *Sub) change(apply func([]byte) bool, encode func(dst, prefix []byte) []byte, prefix string) error {
	if s.refusing.Load() {
		return ErrClosed
	}
	s.mu.Lock()
	changed := apply([]byte(prefix))
	if changed {
		s.generation++
		for p := range s.publishers {
			p.tell(encode(nil, []byte(prefix)))
		}
	}
	s.mu.Unlock()
	if changed {
		s.changes.Tell()
	}
	return nil
}

// Recv waits for the next message, which belongs to the caller. The loss of a peer is not an error; the only one is [ErrClosed].
func (s *Sub) Recv() (zmq4.Msg, error) { return s.RecvContext(context.Background()) }

// RecvContext is Recv, or the error of ctx when it ends first.
func (s *Sub) RecvContext(ctx context.Context) (zmq4.Msg, error) {
	var buf [1]zmq4.Msg
	_, err := s.inbox.take(ctx, buf[:])
	return buf[0], err
}

// RecvBatch waits for at least one message and takes as many as there are and buf has room for, in turns over the peers.
// The messages belong to the caller. An empty buf gets 0.
func (s *Sub) RecvBatch(ctx context.Context, buf []zmq4.Msg) (n int, err error) {
	if len(buf) == 0 {
		return 0, ctx.Err()
	}
	return s.inbox.take(ctx, buf)
}

// Send returns an [*UnsupportedError].
func (s *Sub) Send(zmq4.Msg) error { return s.unsupported("Send") }

// SendMulti returns an [*UnsupportedError].
func (s *Sub) SendMulti(zmq4.Msg) error { return s.unsupported("SendMulti") }

// SendContext returns an [*UnsupportedError].
func (s *Sub) SendContext(context.Context, zmq4.Msg) error { return s.unsupported("SendContext") }

// SendOwned returns an [*UnsupportedError].
func (s *Sub) SendOwned(context.Context, zmq4.Msg) error { return s.unsupported("SendOwned") }

// SendBatch returns an [*UnsupportedError].
func (s *Sub) SendBatch(context.Context, []zmq4.Msg) (int, error) {
	return 0, s.unsupported("SendBatch")
}

// GetOption reads zmq4.OptionHWM; 0 is no limit.
func (s *Sub) GetOption(name string) (any, error) { return s.option(name, &s.opts.ReceiveHWM) }

// SetOption takes zmq4.OptionSubscribe and zmq4.OptionUnsubscribe with a string or []byte, and zmq4.OptionHWM with an int before the first
// Listen or Dial; 0 is no limit. Everything else is an [*OptionError].
func (s *Sub) SetOption(name string, value any) error {
	if s.refusing.Load() {
		return ErrClosed
	}
	switch name {
	case zmq4.OptionHWM:
		return s.setHWM(value)
	case zmq4.OptionSubscribe, zmq4.OptionUnsubscribe:
	default:
		return &OptionError{Option: name, Reason: "is not one of a SUB socket"}
	}
	var prefix string
	switch v := value.(type) {
	case string:
		prefix = v
	case []byte:
		prefix = string(v)
	default:
		return &OptionError{Option: name, Reason: "takes a string or []byte"}
	}
	if name == zmq4.OptionSubscribe {
		return s.Subscribe(prefix)
	}
	return s.Unsubscribe(prefix)
}
