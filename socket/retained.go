package socket

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// Retained says what SendRetained keeps for peers that subscribe later.
type Retained struct {
	// Msg is what they get. It is selected, and kept, by its own first frame, which should be that of the message sent. Without frames it is the
	// message itself.
	Msg zmq4.Msg
	// Key tells messages with the same first frame apart: of each key the last one is kept. It is not sent.
	Key string
	// Limit is how many keys are kept for this first frame; for one more, that which was sent least recently goes and is counted. It may change
	// from message to message. 0 or less: 1.
	Limit int
	// Owned lets the socket keep large frames of the message sent, as SendOwned does.
	Owned bool
}

// SendRetained sends a message as Send does, and keeps a copy of r in the place of the last one of the same first frame and key. A peer of this
// package gets what is kept whenever it subscribes to a prefix of the first frame; a peer of another kind never does.
//
// Sending and keeping are one step, which a subscription comes before or after. What a subscription selects is queued for the peer as soon as
// it is taken: in the order in which it was sent, ahead of all that is sent later and of the answer to a PING that followed the subscription. So
// of a first frame that is only sent by SendRetained a peer misses nothing after the first message. What Send sends changes nothing of what is
// kept. A peer that subscribes to a prefix that it has already, or connects again, gets the same again.
//
// What is replayed counts in the peer's queue, but is not dropped when that is full; what is sent until the peer has made room is, or is
// [ErrFull] with Options.NoDrop. A peer that subscribes while more than Options.SendHWM messages wait for it is not read from until it has taken
// the surplus, so its queue never has more than that limit and all that is kept. With Options.Conflate the last of what is kept is replayed, if
// nothing waits, and the answer to the PING may overtake it.
//
// The memory is that of Retained.Limit messages for each first frame ever sent, until the socket is garbage. The error is that of Send, or a
// [*MessageError] about r.Msg; then what was kept before still is. It may be called concurrently: it waits for other calls and for
// subscriptions being taken, never for a peer. The frames may be reused at once, but for those that r.Owned gives away.
func (p *publishing) SendRetained(msg zmq4.Msg, r Retained) error {
	b := p.of
	if b.refusing.Load() {
		return ErrClosed
	}
	if err := b.opts.check(msg.Frames); err != nil {
		return err
	}
	frames := r.Msg.Frames
	if len(frames) == 0 {
		frames = msg.Frames
	} else if err := b.opts.check(frames); err != nil {
		return err
	}
	frames, pages := b.keep(frames, false) // before an owned frame is its receiver's
	p.retained.mu.Lock()
	defer p.retained.mu.Unlock()
	if err := p.send(context.Background(), msg.Frames, r.Owned); err != nil {
		for _, page := range pages {
			page.Release()
		}
		return err
	}
	added, evicted := p.retained.keep(frames, pages, r.Key, max(r.Limit, 1))
	b.counters.retained.Add(int64(added - evicted))
	b.counters.evicted.Add(uint64(evicted))
	return nil
}

// retention is what a PUB keeps for peers that subscribe later. Its lock comes before those of the peers' queues: who holds it sees no
// subscription being taken.
type retention struct {
	mu      sync.Mutex
	shelves []*shelf // by topic, ascending: those of a prefix are neighbours
	sent    uint64   // messages kept so far
}

// shelf is what is kept of one topic, the first frame of messages.
type shelf struct {
	topic []byte
	keys  map[string]*list.Element
	order list.List // of *retainedMessage, the one sent least recently first
}

// retainedMessage is a message that is kept, as it is queued.
type retainedMessage struct {
	encoded
	size int // on the wire
	key  string
	nth  uint64 // of all that were ever kept
}

func (r *retention) search(topic []byte) (at int, found bool) {
	return slices.BinarySearchFunc(r.shelves, topic, func(s *shelf, t []byte) int { return bytes.Compare(s.topic, t) })
}

// keep keeps a message, and takes over its references. The caller holds the lock.
func (r *retention) keep(frames [][]byte, pages []*zmtp.Page, key string, limit int) (added, evicted int) {
	at, found := r.search(frames[0])
	if !found {
		r.shelves = slices.Insert(r.shelves, at, &shelf{topic: bytes.Clone(frames[0]), keys: make(map[string]*list.Element)})
	}
	s := r.shelves[at]
	place := s.keys[key]
	if place == nil {
		added = 1
		key = strings.Clone(key)
		place = s.order.PushBack(&retainedMessage{key: key})
		s.keys[key] = place
	}
	s.order.MoveToBack(place)
	r.sent++
	m := place.Value.(*retainedMessage)
	m.nth = r.sent
	m.replace(frames, pages)
	for ; s.order.Len() > limit; evicted++ {
		oldest := s.order.Remove(s.order.Front()).(*retainedMessage)
		oldest.drop()
		delete(s.keys, oldest.key)
	}
	return added, evicted
}

// replace encodes another message into the memory of the last one, if that fits. What was queued of it has been copied, or has a reference.
func (m *retainedMessage) replace(frames [][]byte, pages []*zmtp.Page) {
	m.drop()
	size := 0
	for _, frame := range frames {
		size += zmtp.HeaderSize(len(frame))
		if len(frame) < zmtp.LargeFrame {
			size += len(frame)
		}
	}
	if size > cap(m.buf) || cap(m.buf) > segmentFirst && size < cap(m.buf)/4 {
		m.buf = make([]byte, 0, size)
	}
	m.size = m.encode(frames, pages)
}

// replay queues what a prefix selects, and returns how many that is. The caller holds both locks.
func (r *retention) replay(prefix []byte, q *outQueue) int {
	var selected []*retainedMessage
	at, _ := r.search(prefix)
	for _, s := range r.shelves[at:] {
		if !bytes.HasPrefix(s.topic, prefix) {
			break
		}
		for e := s.order.Front(); e != nil; e = e.Next() {
			selected = append(selected, e.Value.(*retainedMessage))
		}
	}
	slices.SortFunc(selected, func(a, b *retainedMessage) int { return cmp.Compare(a.nth, b.nth) })
	if q.conflate && len(selected) > 0 {
		if q.latest != nil {
			return 0
		}
		selected = selected[len(selected)-1:]
	}
	if q.sealed || q.closed {
		return 0
	}
	defer func(hwm int) { q.hwm = hwm }(q.hwm)
	q.hwm = -1
	for _, m := range selected {
		q.push(m.buf, m.splices, 0, m.size)
	}
	return len(selected)
}
