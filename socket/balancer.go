package socket

import (
	"context"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// balancer gives messages to peers in turns, as PUSH, DEALER, REQ and PAIR do. A peer whose queue is full is left out until half of it is
// written. With no peer that has room, messages wait in the backlog as far as there are dialled endpoints to come, and then Send waits.
//
// What a peer that is gone has left unwritten comes first in the backlog: it is sent to others, or to the same one when it is back.
type balancer struct {
	base   *base
	single bool                 // one peer at a time: PAIR
	placed func(c *outlet)      // told, under the locks, whose queue has the next message, nil: none yet; itself nil for most
	lost   func(c *outlet)      // told after a peer was removed
	wanted func(c *outlet) bool // whether the newest message of that peer is still to be sent; nil: all are

	mu      sync.Mutex
	peers   []*outlet // those before active may have room
	active  int
	next    int
	backlog [][][]byte
}

// outlet is the session of a balancer's peer.
type outlet struct {
	plain
	balancer *balancer
}

func (l *balancer) init(b *base) {
	l.base, b.balancer, b.sender = b, l, l
}

func (l *balancer) attach(c *conn) error { return l.add(c, &outlet{plain: plain{c}, balancer: l}, nil) }

// add adds a peer; outer is what the connection's session is, if not o itself.
func (l *balancer) add(c *conn, o *outlet, outer session) error {
	c.session = o
	if outer != nil {
		c.session = outer
	}
	c.out.keep = true
	c.out.onRoom = func() { l.hasRoom(o) }
	c.out.onFailed = o.release
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.single && len(l.peers) > 0 {
		return ErrPaired
	}
	if err := l.base.add(c); err != nil {
		return err
	}
	l.peers = append(l.peers, o)
	l.activate(len(l.peers) - 1)
	return nil
}

func (o *outlet) detach() {
	o.release()
	l := o.balancer
	l.mu.Lock()
	if i := slices.Index(l.peers, o); i >= 0 {
		if i < l.active {
			i = l.deactivate(i)
		}
		l.peers = slices.Delete(l.peers, i, i+1)
	}
	l.mu.Unlock()
	if l.lost != nil {
		l.lost(o)
	}
}

// release gives others what was not written. Nothing is, any more: the queue has ended, and its writer with it.
func (o *outlet) release() {
	l := o.balancer
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := o.out.rest()
	if n := len(rest); n > 0 && l.wanted != nil {
		keep := n - 1 // the newest
		if !l.wanted(o) {
			keep = n
		}
		l.base.counters.dropped.Add(uint64(keep))
		rest = rest[keep:]
	}
	if len(rest) == 0 {
		return
	}
	l.backlog = append(rest, l.backlog...)
	if l.placed != nil {
		l.placed(nil)
	}
	l.drain()
	l.base.changes.Tell()
}

func (l *balancer) hasRoom(o *outlet) {
	l.mu.Lock()
	if i := slices.Index(l.peers, o); i >= l.active {
		l.activate(i)
	}
	l.mu.Unlock()
	l.base.changes.Tell()
}

// activate and deactivate keep the peers that may have room in front, so that the full ones cost nothing.
func (l *balancer) activate(i int) {
	l.peers[i], l.peers[l.active] = l.peers[l.active], l.peers[i]
	l.active++
	l.drain()
}

func (l *balancer) deactivate(i int) (now int) {
	l.active--
	l.peers[i], l.peers[l.active] = l.peers[l.active], l.peers[i]
	if l.next >= l.active {
		l.next = 0
	}
	return l.active
}

// drain gives the backlog to peers with room.
func (l *balancer) drain() {
	n := 0
	for n < len(l.backlog) {
		o := l.offer(l.backlog[n], nil)
		if o == nil {
			break
		}
		o.out.wake()
		n++
	}
	if n == 0 {
		return
	}
	clear(l.backlog[:n])
	if l.backlog = l.backlog[n:]; len(l.backlog) == 0 {
		l.backlog = nil
	}
	l.base.changes.Tell()
}

// offer gives a message to the next peer with room and returns that, nil if there is none.
func (l *balancer) offer(frames [][]byte, pages []*zmtp.Page) *outlet {
	for l.active > 0 {
		o := l.peers[l.next]
		o.out.lock()
		ok := o.out.offer(frames, pages)
		if ok && l.placed != nil {
			l.placed(o)
		}
		o.out.release()
		if !ok {
			l.deactivate(l.next)
			continue
		}
		if l.next++; l.next >= l.active {
			l.next = 0
		}
		return o
	}
	return nil
}

// accept gives a message to a peer, which it returns, or to the backlog.
func (l *balancer) accept(frames [][]byte, pages []*zmtp.Page) (to *outlet, ok bool) {
	if len(l.backlog) == 0 {
		if to = l.offer(frames, pages); to != nil {
			return to, true
		}
	}
	room := l.base.awaited()
	if l.base.opts.Conflate && room != 0 && len(l.backlog) > 0 {
		l.base.counters.conflated.Add(uint64(len(l.backlog)))
		clear(l.backlog)
		l.backlog = l.backlog[:0]
	}
	if room >= 0 && len(l.backlog) >= room {
		return nil, false
	}
	l.backlog = append(l.backlog, deepCopy(frames))
	if l.placed != nil {
		l.placed(nil)
	}
	return nil, true
}

// awaited is how many messages may wait for dialled endpoints that have no connection; negative: any number.
func (b *base) awaited() (messages int) {
	if b.opts.Immediate {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.links {
		if l.connected {
			continue
		}
		if b.opts.SendHWM < 0 {
			return -1
		}
		messages += b.opts.SendHWM
	}
	return messages
}

func (l *balancer) send(ctx context.Context, frames [][]byte, own bool) error {
	frames, pages := l.base.keep(frames, own)
	for tried := false; ; tried = true {
		if tried && l.base.refusing.Load() {
			return ErrClosed
		}
		changed := (<-chan struct{})(nil)
		l.mu.Lock()
		to, ok := l.accept(frames, pages)
		if !ok {
			changed = l.base.changes.Next()
			to, ok = l.accept(frames, pages) // once more: Dial tells of a change without our lock
		}
		l.mu.Unlock()
		if to != nil {
			to.out.kick()
		}
		if ok {
			return l.base.accepted()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.base.refused:
			return ErrClosed
		}
	}
}

func (l *balancer) sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (n int, err error) {
	for n < len(msgs) {
		l.mu.Lock()
		for n < len(msgs) {
			if _, ok := l.accept(l.base.keep(msgs[n].Frames, own)); !ok {
				break
			}
			n++
		}
		l.mu.Unlock()
		if n == len(msgs) {
			break
		}
		if err := l.send(ctx, msgs[n].Frames, own); err != nil {
			return n, err
		}
		n++
	}
	return n, l.base.accepted()
}

// flushed waits until the backlog is with peers.
func (l *balancer) flushed(ctx context.Context) {
	for {
		changed := l.base.changes.Next()
		if l.queued() == 0 || l.base.aborted.Load() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// drop empties the backlog and returns how many messages it had.
func (l *balancer) drop() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.backlog)
	l.backlog = nil
	return n
}

func (l *balancer) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.backlog)
}
