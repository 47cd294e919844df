package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// Req sends a request to one of its peers, in turns, and waits for the reply of that peer (RFC 28). Send and Recv alternate; a call out of turn
// is a [*StateError], but see Options.Relaxed. When the peer is gone before it has answered, Recv returns [ErrPeerLost] and the next
// request may be sent; a request that was not yet written goes to another peer instead. Messages that are not the reply are dropped and
// counted as junk.
type Req struct {
	base
	lb balancer

	turn    sync.Mutex // comes last of all locks
	state   requestState
	number  uint32   // of the request, for Correlate
	peer    *outlet  // that has the request; nil: nobody yet
	reply   [][]byte // once it has come
	changed change.Signal
}

type requestState uint8

const (
	requestNone requestState = iota
	requestSending
	requestSent
	requestAnswered
	requestLost
)

// NewReq returns a REQ socket. It has no goroutine before the first Listen or Dial.
func NewReq(opts *Options) *Req {
	s := &Req{}
	s.setup(zmq4.Req, opts, requester{s})
	s.lb.init(&s.base)
	s.lb.placed, s.lb.lost = s.placed, s.lost
	s.lb.wanted = s.wanted
	s.lockstep = true
	s.base.sender, s.base.receiver = requester{s}, requester{s}
	return s
}

// placed notes which peer has the request. A request that comes back from a peer that is gone has none.
func (s *Req) placed(o *outlet) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.peer = o
}

// wanted says whether that peer has the request, and not only one that a later one has replaced.
func (s *Req) wanted(o *outlet) bool {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.peer == o
}

// lost ends the wait for a reply of that peer.
func (s *Req) lost(o *outlet) {
	s.turn.Lock()
	if s.peer == o && (s.state == requestSent || s.state == requestSending) {
		s.state = requestLost
	}
	if s.peer == o {
		s.peer = nil
	}
	s.turn.Unlock()
	s.changed.Tell()
}

// requester is how a REQ sends and receives.
type requester struct{ *Req }

// answerer is the session of its peer.
type answerer struct {
	*outlet
	req *Req
}

func (s requester) attach(c *conn) error {
	o := &outlet{plain: plain{c}, balancer: &s.lb}
	return s.lb.add(c, o, answerer{o, s.Req})
}

func (a answerer) messages(batch [][][]byte, _ []*zmtp.Page) {
	for _, m := range batch {
		if a.req.accept(a.outlet, m) {
			a.req.counters.received.Add(1)
		} else {
			a.junk.Add(1)
		}
	}
}

// accept takes the reply, if m is it.
func (s *Req) accept(from *outlet, m [][]byte) bool {
	s.turn.Lock()
	defer s.turn.Unlock()
	if from != s.peer || s.state != requestSent && s.state != requestSending {
		return false
	}
	if s.opts.Correlate {
		if !bytes.Equal(m[0], binary.BigEndian.AppendUint32(nil, s.number)) {
			return false
		}
		m = m[1:]
	}
	if len(m) < 2 || len(m[0]) > 0 {
		return false
	}
	s.reply, s.state = m[1:], requestAnswered
	s.changed.Tell()
	return true
}

func (s requester) send(ctx context.Context, frames [][]byte, own bool) error {
	s.turn.Lock()
	if s.state == requestSending || s.state != requestNone && !s.opts.Relaxed {
		s.turn.Unlock()
		return &StateError{Type: zmq4.Req, Op: "Send", Reason: "the reply to the last request is not received yet"}
	}
	s.state, s.peer, s.reply = requestSending, nil, nil
	s.number++
	number := s.number
	request := make([][]byte, 0, len(frames)+2)
	if s.opts.Correlate {
		request = append(request, binary.BigEndian.AppendUint32(nil, s.number))
	}
	s.turn.Unlock()
	request = append(append(request, nil), frames...)
	if s.opts.Relaxed {
		s.counters.dropped.Add(uint64(s.lb.drop())) // what this one replaces
	}
	err := s.lb.send(ctx, request, own)
	s.turn.Lock()
	defer s.turn.Unlock()
	switch {
	case s.number != number || s.state != requestSending: // answered already, or lost, or there is the next one
	case err != nil:
		s.state = requestNone
	default:
		s.state = requestSent
	}
	return err
}

func (s requester) sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (int, error) {
	return each(ctx, s, msgs, own)
}

func (s requester) receive(ctx context.Context) (zmq4.Msg, error) {
	for {
		changed := s.changed.Next()
		s.turn.Lock()
		state, reply := s.state, s.reply
		if state == requestAnswered || state == requestLost {
			s.state, s.reply = requestNone, nil
		}
		s.turn.Unlock()
		switch state {
		case requestNone:
			return zmq4.Msg{}, &StateError{Type: zmq4.Req, Op: "Recv", Reason: "there is no request"}
		case requestAnswered:
			return zmq4.Msg{Frames: reply}, nil
		case requestLost:
			return zmq4.Msg{}, ErrPeerLost
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return zmq4.Msg{}, ctx.Err()
		case <-s.refused:
			return zmq4.Msg{}, ErrClosed
		}
	}
}

func (s requester) receiveBatch(ctx context.Context, buf []zmq4.Msg, _ *Batch) (int, error) {
	return one(ctx, s, buf)
}
