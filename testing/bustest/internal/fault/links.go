package fault

import "sync"

// links are those of a source, or of a sink, by the peer that the transport knows. The zero value has none.
type links[P comparable, L any] struct {
	mu sync.Mutex
	of map[P]L
}

func (l *links[P, L]) add(peer P, link L) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[P]L{}
	}
	l.of[peer] = link
}

// find returns the link to a peer, or the zero L, and forgets it if it is gone.
func (l *links[P, L]) find(peer P, gone bool) L {
	l.mu.Lock()
	defer l.mu.Unlock()
	link := l.of[peer]
	if gone {
		delete(l.of, peer)
	}
	return link
}
