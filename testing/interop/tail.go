package interop

import (
	"fmt"
	"sync"
)

// tailSize is how much of standard error is kept, in bytes.
const tailSize = 64 << 10

// tail is a writer that keeps the last of what is written.
type tail struct {
	mu     sync.Mutex
	kept   []byte
	before int // bytes that were forgotten
}

// Write keeps p, and forgets what is too old. It never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if old := len(t.kept) - tailSize; old > 0 {
		t.before += old
		t.kept = t.kept[:copy(t.kept, t.kept[old:])]
	}
	return len(p), nil
}

// String returns what is kept, after how much is not.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before > 0 {
		return fmt.Sprintf("(%d bytes before)%s", t.before, t.kept)
	}
	return string(t.kept)
}
