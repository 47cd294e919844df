package memory

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/transport"
)

var (
	_ transport.Retainer  = (*Transport)(nil)
	_ transport.Requester = (*Transport)(nil)
	_ transport.Tasker    = (*Transport)(nil)
)

// Transport is a member of a network. It is made by [Network.Join] and implements [transport.Retainer], [transport.Requester] and
// [transport.Tasker], whose comments say how it behaves; here is only what is special to this one. All methods may be called concurrently,
// but for Receive, which has one caller at a time.
type Transport struct {
	network  *Network
	peer     transport.Peer          // what it is to others
	outgoing atomic.Pointer[[]*link] // one to each peer; replaced under the network's lock, never changed
	incoming []*link                 // one from each peer; guarded by the network's lock
	inbox    inbox
	retained retention
	requests requests
	serving  serving
	pushing  pushing
	pulling  pulling
	hands    sync.WaitGroup // the goroutines of its mailboxes
	changed  change.Signal
	news     news
	counts   counts
	refusing atomic.Bool   // Close or Shutdown has begun; set under the network's lock
	leaving  chan struct{} // closed then
	ended    chan struct{} // closed when that is done
}

func newTransport(n *Network, peer transport.Peer) *Transport {
	t := &Transport{network: n, peer: peer, leaving: make(chan struct{}), ended: make(chan struct{})}
	t.outgoing.Store(&[]*link{})
	t.inbox.init()
	t.requests.of, t.requests.pending = t, map[uint64]*exchange{}
	t.serving.of = t
	t.news.channel = make(chan transport.Event, eventBuffer)
	return t
}

// links returns those to the peers.
func (t *Transport) links() []*link { return *t.outgoing.Load() }

// Shutdown closes the transport as Close does, and returns nil, or [ErrClosed] if it is closed already. There is nothing to flush: what was
// published, asked, replied and given out is in the queues of its receivers, who still get it, or was dropped and counted because a queue
// was full. Shutdown does not wait for them, so ctx means nothing to it.
func (t *Transport) Shutdown(context.Context) error {
	if !t.end() {
		return ErrClosed
	}
	return nil
}

// Close ends the transport at once. It is idempotent, waits for every goroutine, and for a call of Shutdown that is under way, and returns
// nil.
func (t *Transport) Close() error {
	if !t.end() {
		<-t.ended
	}
	return nil
}

// end ends the transport, once. It reports false if another call does that.
func (t *Transport) end() bool {
	if !t.refuse() {
		return false
	}
	close(t.leaving)
	outgoing, incoming := t.network.leave(t) // first of all: nobody makes a link any more
	t.counts.untaken.Add(uint64(t.inbox.end()))
	clients, workers, producers := t.close() // before peers hear of the end: what was written is what was taken by now
	for _, l := range outgoing {
		t.requests.lose(l.server)
		l.client.leave()
		l.producer.box.end(false, func() { l.producer.down(errLeft) })
	}
	for _, l := range incoming {
		l.from.requests.lose(l.server)
		l.worker.end(errLeft)
		l.from.changed.Tell()
	}
	t.hands.Wait()
	for _, c := range clients {
		c.lose()
	}
	for _, w := range workers {
		w.down(ErrClosed)
	}
	for _, p := range producers {
		p.down(ErrClosed)
	}
	t.news.end()
	t.changed.Tell()
	close(t.ended)
	return true
}

// close has nothing more handed on here, and returns those whose end is still to be told. Some may be of peers that have left before.
func (t *Transport) close() (clients []*client, workers []*worker, producers []*producer) {
	clients, workers, producers = t.serving.all(), t.pushing.all(), t.pulling.all()
	for _, c := range clients {
		c.box.close()
	}
	for _, w := range workers {
		w.box.close()
	}
	for _, p := range producers {
		p.close()
	}
	return clients, workers, producers
}

// refuse has every method return ErrClosed from now on. It reports whether it is the first to do so. Who holds the network's lock can rely
// on what it has seen.
func (t *Transport) refuse() bool {
	t.network.mu.Lock()
	defer t.network.mu.Unlock()
	return t.refusing.CompareAndSwap(false, true)
}
