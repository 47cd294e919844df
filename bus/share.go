package bus

import "sync"

// share is something that several subscriptions of a bus have in common.
type share struct {
	value any
	users int
}

// Share returns what was shared under key, or what create makes when nobody uses it now, inside the module. It is forgotten when everybody
// has called the release that came with it.
func (b *Bus) Share(key any, create func() any) (value any, release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shared[key]
	if s == nil {
		s = &share{value: create()}
		b.shared[key] = s
	}
	s.users++
	return s.value, sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(b.shared, key)
		}
	})
}
