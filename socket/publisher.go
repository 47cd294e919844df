package socket

import (
	"encoding/binary"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// publisher is a SUB's session: what the peer knows of our subscriptions. Guarded by Sub.mu.
//
// A peer of this package is asked with a PING that follows the subscriptions and carries their generation: its answer says that they are
// in force. Others answer PINGs before their socket has seen the subscriptions, so with them what is written counts as known.
type publisher struct {
	plain
	sub       *subscribing
	confirmed uint64 // generation the peer has
	leaving   bool   // it is told of no more changes
	asked     uint64 // generation of the PING under way, one at a time, however many subscriptions change; with others, of what is still to be written. 0: none
}

func (s *subscribing) attach(c *conn) error {
	p := &publisher{plain: plain{c}, sub: s}
	c.session = p
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.of.add(c); err != nil {
		return err
	}
	s.publishers[p] = struct{}{}
	if s.prefixes.Len() == 0 {
		p.confirmed = s.generation
		return nil
	}
	var all []byte
	for prefix := range s.prefixes.All {
		all = zmtp.AppendSubscribe(all, prefix)
	}
	p.tell(all)
	return nil
}

// tell queues subscription frames, and what is needed to know that they have arrived. The caller holds Sub.mu.
func (p *publisher) tell(frames []byte) {
	generation := p.sub.generation
	if !p.own {
		p.asked = generation
		p.out.control(frames, func() { p.confirm(generation) })
		return
	}
	if p.asked == 0 {
		p.asked = generation
		frames = p.question(frames)
	}
	p.out.control(frames, nil)
}

// skip notes a generation that means nothing to this peer, of another package. The caller holds Sub.mu.
func (p *publisher) skip() {
	if p.asked == 0 {
		p.confirmed = p.sub.generation
	}
}

func (p *publisher) question(dst []byte) []byte {
	context := binary.BigEndian.AppendUint64([]byte{contextSubscription}, p.asked)
	return zmtp.AppendPing(dst, p.base.opts.ttl(), context)
}

func (p *publisher) pong(context []byte) {
	if len(context) != 9 || context[0] != contextSubscription {
		p.junk.Add(1)
		return
	}
	p.confirm(binary.BigEndian.Uint64(context[1:]))
}

func (p *publisher) confirm(generation uint64) {
	s := p.sub
	s.mu.Lock()
	switch {
	case !p.own:
		if generation == p.asked { // the last; what was skipped since meant nothing
			p.confirmed, p.asked = s.generation, 0
		}
	case p.leaving:
	case generation != p.asked: // not an answer to anything
		s.mu.Unlock()
		p.junk.Add(1)
		return
	default:
		p.confirmed, p.asked = generation, 0
		if generation < s.generation {
			p.asked = s.generation
			p.out.control(p.question(nil), nil)
		}
	}
	s.mu.Unlock()
	s.of.changes.Tell()
}

// messages filters once more: between Unsubscribe here and its arrival there messages are still sent.
func (p *publisher) messages(batch [][][]byte, pages []*zmtp.Page) {
	s := p.sub
	if !s.filter {
		p.plain.messages(batch, pages)
		return
	}
	wanted := batch[:0]
	s.mu.RLock()
	for _, m := range batch {
		if s.prefixes.Match(m[0]) {
			wanted = append(wanted, m)
		}
	}
	s.mu.RUnlock()
	p.plain.messages(wanted, pages)
	if filtered := len(batch) - len(wanted); filtered > 0 {
		s.of.counters.filtered.Add(uint64(filtered))
	}
}

// farewell takes back all subscriptions, of which the peer is told no more: a Shutdown over there then does not take us for lost.
func (p *publisher) farewell() (cancels []byte, awaited bool) {
	if !p.own {
		return nil, false
	}
	s := p.sub
	s.mu.Lock()
	p.leaving = true
	delete(s.publishers, p)
	for prefix := range s.prefixes.All {
		cancels = zmtp.AppendCancel(cancels, prefix)
	}
	s.mu.Unlock()
	s.of.changes.Tell()
	return cancels, true
}

// excuses a peer that leaves before the farewell has reached it.
func (p *publisher) excuses(err error) bool {
	_, sent, _ := p.out.counts()
	return sent == 0 || p.plain.excuses(err)
}

func (p *publisher) detach() {
	p.sub.mu.Lock()
	defer p.sub.mu.Unlock()
	delete(p.sub.publishers, p)
}
