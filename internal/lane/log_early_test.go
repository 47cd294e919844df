package lane

import (
	"slices"
	"testing"
	"testing/synctest"
)

// What came before the subscription is handled first, also when it is more than there is room for. The log has room when that is done.
func TestLogEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got record
		step := make(chan struct{})
		log := NewLog[event](1, nil)
		r := newReader(log, Config{Capacity: 2}, func(e event) Outcome {
			<-step
			return got.add(e)
		}, numbered(1, 40)...)
		for i := range 40 {
			synctest.Wait()
			room := 2 - (39 - i)
			if full := try(log, event{id: 41}); (full == nil) != (room > 0) {
				t.Errorf("room for %d, full: %v", room, full != nil)
			} else if full == nil {
				break
			}
			if n := balanced(t, &r.Member); n.Queued != uint64(39-i) || n.Running != 1 {
				t.Errorf("%+v", n)
			}
			step <- struct{}{}
		}
		close(step)
		synctest.Wait()
		if ids := got.got(); len(ids) != 41 || !slices.IsSorted(ids) {
			t.Errorf("handled %v", ids)
		}
		r.Close()
	})
}

// There may be more of that than a worker can count at once.
func TestLogManyEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = maxBatch + 10
		early := make([]int32, many)
		for i := range early {
			early[i] = int32(i)
		}
		step, next := make(chan struct{}), int32(0)
		log := NewLog[int32](1, nil)
		var r *Reader[int32]
		r = NewReader(log, config(Config{Capacity: 20}), func() Handler[int32] {
			return handlerOf[int32](func(e int32) Outcome {
				if e != next {
					t.Errorf("%d, want %d", e, next)
					r.Close() // it might go on for ever
				}
				if next++; e == 0 {
					<-step
				}
				return Succeeded
			})
		})
		log.Lock()
		r.Join(early)
		log.Unlock()
		synctest.Wait()
		if n := balanced(t, &r.Member); n.Matched != many || n.Queued != many-1 || r.Gate.Depth() != many-1 {
			t.Errorf("%+v", n)
		}
		close(step)
		synctest.Wait()
		if n := balanced(t, &r.Member); n.Succeeded != many || next != many {
			t.Errorf("%+v, next %d", n, next)
		}
		r.Close()
	})
}
