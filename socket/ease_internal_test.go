package socket

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Who replays to a full queue waits until it holds no more than the mark, and not for a queue that has ended.
func TestEase(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(q *outQueue){
		"written":  func(q *outQueue) { q.done(q.take()) },
		"closed":   (*outQueue).close,
		"finished": (*outQueue).finish,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := &outQueue{hwm: 1, late: new(atomic.Uint64), pool: &sync.Pool{New: func() any { return new(segment) }}}
				q.ready.L = &q.mu
				var r retention
				large := make([]byte, segmentSpan) // so that each is a segment
				for _, key := range []string{"1", "2", "3"} {
					r.keep([][]byte{[]byte("t"), large}, nil, key, 3)
				}
				q.ease() // empty
				q.lock()
				n := r.replay([]byte("t"), q)
				hwm := q.hwm
				q.unlock()
				if n != 3 || hwm != 1 {
					t.Fatalf("%d replayed, mark %d", n, hwm)
				}
				eased := make(chan struct{})
				go func() {
					q.ease()
					close(eased)
				}()
				synctest.Wait()
				if !q.easing() {
					t.Fatal("three messages of one are no reason to wait")
				}
				end(q)
				synctest.Wait()
				if name == "written" {
					if !q.easing() {
						t.Fatal("two messages of one are no reason to wait")
					}
					end(q)
					synctest.Wait()
				}
				select {
				case <-eased:
				default:
					t.Fatal("still waits")
				}
				if q.easing() {
					t.Error("says that somebody waits")
				}
			})
		})
	}
}
