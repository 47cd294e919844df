package socket

import "github.com/go-zeromq/zmq4"

// Push sends each message to one of its peers, in turns over those that have room, and waits when none has (RFC 30). With a dialled endpoint
// that is not connected, messages wait for it: see [Options.Immediate]. What was not yet written to a peer that is gone goes to another.
type Push struct {
	base
	lb balancer
}

// NewPush returns a PUSH socket. It has no goroutine before the first Listen or Dial.
func NewPush(opts *Options) *Push {
	s := &Push{}
	s.setup(zmq4.Push, opts, &s.lb)
	s.lb.init(&s.base)
	return s
}

// Pull receives from all its peers in turns (RFC 30). One whose queue is full is not read from until there is room.
type Pull struct{ base }

// NewPull returns a PULL socket. It has no goroutine before the first Listen or Dial.
func NewPull(opts *Options) *Pull {
	s := &Pull{}
	s.setup(zmq4.Pull, opts, puller{&s.base})
	s.receives()
	return s
}

// puller is the pattern of sockets that only receive.
type puller struct{ base *base }

func (p puller) attach(c *conn) error {
	c.session = plain{c}
	return p.base.add(c)
}

// Pair talks to one peer at a time, both ways (RFC 31). Sending waits while the peer's queue is full, or there is nobody. Another
// connection is refused.
type Pair struct {
	base
	lb balancer
}

// NewPair returns a PAIR socket. It has no goroutine before the first Listen or Dial.
func NewPair(opts *Options) *Pair {
	s := &Pair{lb: balancer{single: true}}
	s.setup(zmq4.Pair, opts, &s.lb)
	s.lb.init(&s.base)
	s.receives()
	return s
}

// Dealer sends as [Push] does, and receives as [Pull] does, over the same connections (RFC 28).
type Dealer struct {
	base
	lb balancer
}

// NewDealer returns a DEALER socket. It has no goroutine before the first Listen or Dial.
func NewDealer(opts *Options) *Dealer {
	s := &Dealer{}
	s.setup(zmq4.Dealer, opts, &s.lb)
	s.lb.init(&s.base)
	s.receives()
	return s
}
