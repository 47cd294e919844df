package transporttest

import (
	"sync"
	"time"
)

// mailbox keeps what a transport tells, from whatever goroutine, until the check takes it.
type mailbox[T any] struct {
	filled chan struct{} // has a token when something may be there

	mu    sync.Mutex
	items []T
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{filled: make(chan struct{}, 1)} }

// put never waits.
func (m *mailbox[T]) put(v T) {
	m.mu.Lock()
	m.items = append(m.items, v)
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
}

func (m *mailbox[T]) take() (v T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.items) == 0 {
		return v, false
	}
	v, m.items = m.items[0], m.items[1:]
	return v, true
}

// next returns what comes next.
func next[T any](s *stage, m *mailbox[T], what string) (v T) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if v, ok := m.take(); ok {
			return v
		}
		select {
		case <-m.filled:
		case <-late.C:
			s.failf("expected %s, which has not happened after %v", what, patience)
		}
	}
}
