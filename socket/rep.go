package socket

import (
	"context"
	"slices"
	"sync"

	"github.com/go-zeromq/zmq4"
)

// Rep takes requests from all its peers in turns, and answers each before it takes the next (RFC 28). Recv and Send alternate; a call out of
// turn is a [*StateError]. The frames that come before a request's first empty one are kept and sent back with the reply. A reply to a peer
// that is gone is dropped and counted.
type Rep struct {
	base
	routes

	turn    sync.Mutex
	stack   [][]byte // routing ID and envelope of the request to answer, nil if there is none
	waiting bool     // a Recv is under way
}

// NewRep returns a REP socket. It has no goroutine before the first Listen or Dial.
func NewRep(opts *Options) *Rep {
	s := &Rep{}
	s.setup(zmq4.Rep, opts, &s.routes)
	s.routes.init(&s.base)
	s.receives()
	s.lockstep = true
	s.base.sender, s.base.receiver = replier{s}, replier{s}
	return s
}

// replier is how a REP sends and receives.
type replier struct{ *Rep }

func (s replier) receive(ctx context.Context) (zmq4.Msg, error) {
	s.turn.Lock()
	if s.stack != nil || s.waiting {
		s.turn.Unlock()
		return zmq4.Msg{}, &StateError{Type: zmq4.Rep, Op: "Recv", Reason: "the last request is not answered yet"}
	}
	s.waiting = true
	s.turn.Unlock()
	for {
		m, err := s.inbox.receive(ctx)
		var stack, body [][]byte
		ok := err == nil
		if ok {
			if stack, body, ok = splitStack(m.Frames[1:]); !ok {
				s.counters.junk.Add(1)
				continue
			}
			stack = m.Frames[:1+len(stack)]
		}
		s.turn.Lock()
		s.waiting = false
		if ok {
			s.stack = stack
		}
		s.turn.Unlock()
		return zmq4.Msg{Frames: body}, err
	}
}

func (s replier) receiveBatch(ctx context.Context, buf []zmq4.Msg, _ *Batch) (int, error) {
	return one(ctx, s, buf)
}

func (s replier) send(ctx context.Context, frames [][]byte, own bool) error {
	s.turn.Lock()
	stack := s.stack
	s.stack = nil
	s.turn.Unlock()
	if stack == nil {
		return &StateError{Type: zmq4.Rep, Op: "Send", Reason: "there is no request to answer"}
	}
	return s.routes.send(ctx, slices.Concat(stack, frames), own)
}

func (s replier) sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (int, error) {
	return each(ctx, s, msgs, own)
}
