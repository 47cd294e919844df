package socket

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/match"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// What a peer may subscribe to: nobody has vouched for it, and its prefixes are kept as long as its connection.
const (
	maxPrefix            = 4 << 10
	maxSubscriptions     = 1 << 16
	maxSubscriptionBytes = 4 << 20
)

// Pub sends each message to all peers that subscribed to a prefix of its first frame. Sending never waits: see the package comment on losses.
// What one goroutine sends reaches each peer in that order.
type Pub struct {
	base
	encoders    *sync.Pool
	mu          sync.Mutex
	subscribers atomic.Pointer[[]*subscriber] // replaced under mu, never changed
}

// NewPub returns a PUB socket. It has no goroutine before the first Listen or Dial.
func NewPub(opts *Options) *Pub {
	p := &Pub{encoders: newEncoders()}
	p.init(zmq4.Pub, opts, p)
	// What a peer sends is subscriptions.
	p.limits.MessageBytes, p.limits.CommandBytes = min(p.limits.MessageBytes, 1+maxPrefix), 16+maxPrefix
	p.subscribers.Store(new([]*subscriber))
	return p
}

// Send queues a message for every peer that wants it; that none does is no error. It copies the frames. The error is a [*MessageError] for a
// message without frames or beyond the limits, or [ErrClosed]; a message that meets the beginning of Shutdown may be sent although.
func (p *Pub) Send(msg zmq4.Msg) error { return p.send(msg, false) }

// SendMulti is the same as Send.
func (p *Pub) SendMulti(msg zmq4.Msg) error { return p.send(msg, false) }

// SendContext is Send, or the error of ctx if it has ended.
func (p *Pub) SendContext(ctx context.Context, msg zmq4.Msg) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.send(msg, false)
}

// SendOwned is SendContext without a copy of frames of 16 KiB and more: they may never be changed again.
func (p *Pub) SendOwned(ctx context.Context, msg zmq4.Msg) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.send(msg, true)
}

func (p *Pub) send(msg zmq4.Msg, owned bool) error {
	if p.refusing.Load() {
		return ErrClosed
	}
	if err := p.opts.check(msg.Frames); err != nil {
		return err
	}
	subscribers := *p.subscribers.Load()
	if !worthEncoding(subscribers, msg.Frames) {
		return nil
	}
	e := p.encoders.Get().(*encoder)
	e.add(msg.Frames, owned)
	p.spread(subscribers, e)
	return p.accepted()
}

// accepted returns ErrClosed when Shutdown has begun meanwhile: what was queued before that is flushed, what came after may not be.
func (p *Pub) accepted() error {
	if p.refusing.Load() {
		return ErrClosed
	}
	return nil
}

// SendBatch is Send for many messages, at less cost for each.
func (p *Pub) SendBatch(ctx context.Context, msgs []zmq4.Msg) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if p.refusing.Load() {
		return 0, ErrClosed
	}
	subscribers := *p.subscribers.Load()
	e := p.encoders.Get().(*encoder)
	for _, msg := range msgs {
		if err = p.opts.check(msg.Frames); err != nil {
			break
		}
		n++
		if !worthEncoding(subscribers, msg.Frames) {
			continue
		}
		if e.add(msg.Frames, false); e.size >= segmentSize {
			p.spread(subscribers, e)
			e = p.encoders.Get().(*encoder)
		}
	}
	p.spread(subscribers, e)
	if err == nil {
		err = p.accepted()
	}
	return n, err
}

// worthEncoding avoids the copy of a large message that nobody wants. For small ones asking costs as much as encoding.
func worthEncoding(subscribers []*subscriber, frames [][]byte) bool {
	if !hasLarge(frames) {
		return len(subscribers) > 0
	}
	return slices.ContainsFunc(subscribers, func(s *subscriber) bool { return s.wants(frames[0]) })
}

// spread queues what was encoded with every subscriber that wants it: one lock for each, and no encoding. The encoder goes back to its pool.
func (p *Pub) spread(subscribers []*subscriber, e *encoder) {
	for _, s := range subscribers {
		s.out.lock()
		for i := range e.parcels {
			if parcel := &e.parcels[i]; s.prefixes.Match(e.topic(parcel)) {
				e.pushTo(&s.out, parcel)
			}
		}
		s.out.unlock()
	}
	e.reset()
	p.encoders.Put(e)
}

// Subscribers returns how many connected peers have a subscription to some prefix of topic. See Changed for how to wait for a number.
func (p *Pub) Subscribers(topic []byte) (n int) {
	for _, s := range *p.subscribers.Load() {
		if s.wants(topic) {
			n++
		}
	}
	return n
}

// Recv returns an [*UnsupportedError].
func (p *Pub) Recv() (zmq4.Msg, error) { return zmq4.Msg{}, p.unsupported("Recv") }

// RecvContext returns an [*UnsupportedError].
func (p *Pub) RecvContext(context.Context) (zmq4.Msg, error) {
	return zmq4.Msg{}, p.unsupported("RecvContext")
}

// RecvBatch returns an [*UnsupportedError].
func (p *Pub) RecvBatch(context.Context, []zmq4.Msg) (int, error) {
	return 0, p.unsupported("RecvBatch")
}

// GetOption reads zmq4.OptionHWM; 0 is no limit.
func (p *Pub) GetOption(name string) (any, error) { return p.option(name, &p.opts.SendHWM) }

// SetOption sets zmq4.OptionHWM, an int, before the first Listen or Dial; 0 is no limit. Everything else is an [*OptionError].
func (p *Pub) SetOption(name string, value any) error {
	if p.refusing.Load() {
		return ErrClosed
	}
	if name != zmq4.OptionHWM {
		return &OptionError{Option: name, Reason: "is not one of a PUB socket"}
	}
	return p.setHWM(value)
}

func (p *Pub) attach(c *conn) bool {
	s := &subscriber{conn: c, pub: p}
	c.session = s
	if !p.add(c) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribers.Store(new(append(slices.Clone(*p.subscribers.Load()), s)))
	return true
}

// subscriber is a PUB's session: the peer's subscriptions.
type subscriber struct {
	*conn
	pub      *Pub
	prefixes match.Prefixes // guarded by the lock of conn.out, which sending holds anyway
	bytes    int            // of all prefixes, guarded likewise
}

func (s *subscriber) wants(topic []byte) bool {
	s.out.lock()
	defer s.out.unlock()
	return s.prefixes.Match(topic)
}

func (s *subscriber) messages(batch [][][]byte) {
	for _, m := range batch {
		if prefix, subscribe, ok := zmtp.ParseSubscription(m); ok {
			s.subscribe(prefix, subscribe)
		} else {
			s.junk.Add(1)
		}
	}
}

func (s *subscriber) command(name, rest []byte) {
	switch string(name) {
	case zmtp.NameSubscribe:
		s.subscribe(rest, true)
	case zmtp.NameCancel:
		s.subscribe(rest, false)
	default:
		s.junk.Add(1)
	}
}

func (s *subscriber) subscribe(prefix []byte, subscribe bool) {
	s.out.lock()
	if subscribe {
		if s.prefixes.Add(prefix) {
			s.bytes += len(prefix)
		}
	} else if s.prefixes.Remove(prefix) {
		s.bytes -= len(prefix)
	}
	tooMany := s.prefixes.Len() > maxSubscriptions || s.bytes > maxSubscriptionBytes
	s.out.unlock()
	if tooMany {
		s.abort(ErrSubscriptions)
	}
	s.pub.changes.Tell()
}

func (s *subscriber) pong([]byte) { s.junk.Add(1) }

func (s *subscriber) detach() {
	s.pub.mu.Lock()
	defer s.pub.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(*s.pub.subscribers.Load()), func(other *subscriber) bool { return other == s })
	s.pub.subscribers.Store(&rest)
}
