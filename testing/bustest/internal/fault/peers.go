package fault

import (
	"slices"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

// peerEvents is how many events wait for the reader of Events.
const peerEvents = 256

// peers are those that a transport is connected with, and those that its bus knows of.
type peers struct {
	events chan transport.Event
	lost   atomic.Uint64
	turns  turns

	// Used in turns.
	there, told []transport.Peer
	closed      bool
}

func newPeers() peers { return peers{events: make(chan transport.Event, peerEvents)} }

// watch passes on the changes and the events of the transport, until that ends.
func (t *wrapped) watch() {
	changed, events := t.real.Changed(), t.real.Events()
	t.watcher.Go(func() {
		for {
			select {
			case <-changed:
				changed = t.real.Changed() // before Tell: who looks then sees what has changed until now
				t.changed.Tell()
			case e, ok := <-events:
				if !ok {
					t.peers.turns.do(t.peers.close)
					t.changed.Tell()
					return
				}
				t.peers.turns.do(func() { t.peers.pass(t, e) })
			}
		}
	})
}

func (p *peers) close() {
	p.closed = true
	close(p.events)
}

// pass passes on an event, unless the transport is cut off.
func (p *peers) pass(t *wrapped, e transport.Event) {
	at := slices.Index(p.there, e.Peer)
	switch {
	case e.Up:
		p.there = append(p.there, e.Peer)
	case !e.Refused && at >= 0:
		p.there = slices.Delete(p.there, at, at+1)
	}
	if t.cut.Load() {
		return
	}
	p.emit(e)
}

// emit never waits.
func (p *peers) emit(e transport.Event) {
	at := slices.Index(p.told, e.Peer)
	switch {
	case e.Up:
		p.told = append(p.told, e.Peer)
	case !e.Refused && at >= 0:
		p.told = slices.Delete(p.told, at, at+1)
	}
	select {
	case p.events <- e:
	default:
		p.lost.Add(1)
	}
}

// align tells that peers have gone, or have come, after a partition or its end.
func (p *peers) align(t *wrapped) {
	p.turns.do(func() {
		switch {
		case p.closed:
			return
		case t.cut.Load():
			for len(p.told) > 0 {
				p.emit(transport.Event{Peer: p.told[0], Err: errPartitioned})
			}
			return
		}
		missing := slices.Clone(p.there)
		for _, known := range p.told {
			if at := slices.Index(missing, known); at >= 0 {
				missing = slices.Delete(missing, at, at+1)
			}
		}
		for _, peer := range missing {
			p.emit(transport.Event{Up: true, Peer: peer})
		}
	})
}
