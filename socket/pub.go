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

// Pub sends each message to all peers that subscribed to a prefix of its first frame (RFC 29). Sending never waits: see the package comment on
// losses. What one goroutine sends reaches each peer in that order. That nobody wants a message is no error; with Options.NoDrop it is
// [ErrFull] if a peer that wants it has no room. SendRetained also keeps a message for peers of this package that subscribe later.
type Pub struct {
	base
	publishing
}

// NewPub returns a PUB socket. It has no goroutine before the first Listen or Dial.
func NewPub(opts *Options) *Pub {
	p := &Pub{}
	p.setup(zmq4.Pub, opts, &p.publishing)
	// What a peer sends is subscriptions.
	p.limits.MessageBytes = min(p.limits.MessageBytes, 1+maxPrefix)
	p.publishing.init(&p.base)
	return p
}

// publishing is the pattern of PUB and XPUB.
type publishing struct {
	of          *base
	encoders    *sync.Pool
	upward      *upward // what an XPUB's reader gets, nil for PUB
	mu          sync.Mutex
	subscribers atomic.Pointer[[]*subscriber] // replaced under mu, never changed
	retained    retention
}

func (p *publishing) init(b *base) {
	p.of, p.encoders = b, newEncoders()
	b.sender = p
	b.limits.CommandBytes = 16 + maxPrefix
	p.subscribers.Store(new([]*subscriber))
}

func (p *publishing) send(_ context.Context, frames [][]byte, own bool) error {
	subscribers := *p.subscribers.Load()
	wanted, full := p.look(subscribers, frames)
	switch {
	case !wanted:
		return nil
	case full && p.of.opts.NoDrop:
		return ErrFull
	}
	frames, pages := p.of.keep(frames, own)
	if len(subscribers) == 1 {
		return p.sendAlone(subscribers[0], frames, pages)
	}
	e := p.encoders.Get().(*encoder)
	e.add(frames, pages)
	if p.of.opts.NoDrop {
		return p.spreadWhole(subscribers, e)
	}
	p.spread(subscribers, e)
	return p.of.accepted()
}

// sendAlone sends to the only peer. The message is encoded where it is queued: by way of an encoder it costs a quarter more.
func (p *publishing) sendAlone(s *subscriber, frames [][]byte, pages []*zmtp.Page) error {
	s.out.lock()
	wanted := s.prefixes.Match(frames[0])
	full := wanted && p.of.opts.NoDrop && s.out.crowded()
	if wanted && !full {
		s.out.publish(frames, pages)
	}
	s.out.unlock()
	if full {
		return ErrFull
	}
	return p.of.accepted()
}

func (p *publishing) sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (n int, err error) {
	if p.of.opts.NoDrop {
		return each(ctx, p, msgs, own)
	}
	subscribers := *p.subscribers.Load()
	e := p.encoders.Get().(*encoder)
	for _, msg := range msgs {
		if wanted, _ := p.look(subscribers, msg.Frames); !wanted {
			continue
		}
		if e.add(p.of.keep(msg.Frames, own)); e.size >= segmentSize {
			p.spread(subscribers, e)
			e = p.encoders.Get().(*encoder)
		}
	}
	p.spread(subscribers, e)
	return len(msgs), p.of.accepted()
}

// look avoids the copy of a large message that nobody wants, or that somebody has no room for. For small ones asking costs as much as encoding.
func (p *publishing) look(subscribers []*subscriber, frames [][]byte) (wanted, full bool) {
	if !hasLarge(frames) {
		return len(subscribers) > 0, false
	}
	for _, s := range subscribers {
		s.out.lock()
		if s.prefixes.Match(frames[0]) {
			wanted, full = true, full || s.out.crowded()
		}
		s.out.unlock()
	}
	return wanted, full
}

// spread queues what was encoded with every subscriber that wants it: one lock for each, and no encoding. The encoder goes back to its pool.
func (p *publishing) spread(subscribers []*subscriber, e *encoder) {
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
func (p *publishing) Subscribers(topic []byte) (n int) {
	for _, s := range *p.subscribers.Load() {
		if s.wants(topic) {
			n++
		}
	}
	return n
}

// spreadWhole queues one message with every subscriber that wants it, or with none. Their locks are taken in the order of the list, which is
// the same for all who send.
func (p *publishing) spreadWhole(subscribers []*subscriber, e *encoder) error {
	parcel, err := &e.parcels[0], error(nil)
	wanting := make([]*subscriber, 0, len(subscribers))
	for _, s := range subscribers {
		s.out.lock()
		if s.out.closed || s.out.sealed || !s.prefixes.Match(e.topic(parcel)) {
			s.out.unlock()
			continue
		}
		wanting = append(wanting, s)
		if s.out.crowded() {
			err = ErrFull
			break
		}
	}
	for _, s := range wanting {
		if err == nil {
			e.pushTo(&s.out, parcel)
		}
		s.out.unlock()
	}
	e.reset()
	p.encoders.Put(e)
	if err != nil {
		return err
	}
	return p.of.accepted()
}

func (p *publishing) attach(c *conn) error {
	s := &subscriber{plain: plain{c}, pub: p}
	c.session = s
	if p.of.opts.NoDrop {
		c.out.onRoom, c.out.onFailed = p.of.changes.Tell, p.of.changes.Tell
	}
	if err := p.of.add(c); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribers.Store(new(append(slices.Clone(*p.subscribers.Load()), s)))
	return nil
}

// subscriber is the session of a peer of PUB or XPUB: its subscriptions. It has each prefix once, however often it subscribes: libzmq's SUB
// sends every SUBSCRIBE, but of as many CANCELs only the last. Each SUBSCRIBE of a peer of this package has what is kept replayed.
type subscriber struct {
	plain
	pub      *publishing
	prefixes match.Prefixes // guarded by the lock of conn.out, which sending holds anyway
	bytes    int            // of all prefixes, guarded likewise
}

func (s *subscriber) wants(topic []byte) bool {
	s.out.lock()
	defer s.out.unlock()
	return s.prefixes.Match(topic)
}

func (s *subscriber) messages(batch [][][]byte, _ []*zmtp.Page) {
	for i, m := range batch {
		prefix, subscribe, ok := zmtp.ParseSubscription(m)
		switch {
		case ok:
			s.subscribe(prefix, subscribe)
		case s.pub.upward != nil:
			s.plain.messages(batch[i:i+1], nil)
		default:
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
	if len(prefix) > maxPrefix { // where the limit of messages does not see to it
		s.abort(ErrSubscriptions)
		return
	}
	replays := subscribe && s.own
	if replays {
		s.out.ease()
		s.pub.retained.mu.Lock()
	}
	s.out.lock()
	changed := false
	switch {
	case !subscribe:
		if changed = s.prefixes.Remove(prefix); changed {
			s.bytes -= len(prefix)
		}
	case s.prefixes.Add(prefix):
		changed = true
		s.bytes += len(prefix)
	default:
		s.prefixes.Remove(prefix)
	}
	tooMany := s.prefixes.Len() > maxSubscriptions || s.bytes > maxSubscriptionBytes
	if replays && !tooMany {
		replayed := s.pub.retained.replay(prefix, &s.out)
		s.pub.of.counters.replayed.Add(uint64(replayed)) // before anybody can have it
	}
	s.out.unlock()
	if replays {
		s.pub.retained.mu.Unlock()
	}
	if tooMany {
		s.abort(ErrSubscriptions)
	}
	if up := s.pub.upward; up != nil {
		up.tell(s, prefix, subscribe, changed)
	}
	s.pub.of.changes.Tell()
}

// excuses a peer that has unsubscribed from everything, as those that leave in good order do: nothing more was owed to it.
func (s *subscriber) excuses(error) bool {
	s.out.lock()
	defer s.out.unlock()
	return s.prefixes.Len() == 0
}

func (s *subscriber) detach() {
	p := s.pub
	p.mu.Lock()
	rest := slices.DeleteFunc(slices.Clone(*p.subscribers.Load()), func(other *subscriber) bool { return other == s })
	p.subscribers.Store(&rest)
	p.mu.Unlock()
	if p.upward == nil {
		return
	}
	s.out.lock()
	prefixes := slices.Collect(s.prefixes.All)
	s.out.unlock()
	for _, prefix := range prefixes {
		p.upward.tell(s, prefix, false, true)
	}
}
