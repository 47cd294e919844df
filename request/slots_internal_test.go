package request

import "testing"

// As many requests are taken as handlers and queue have room for, however late the workers begin.
func TestSlotsTakeNoMoreThanTheyHaveRoomFor(t *testing.T) {
	t.Parallel()
	const limit, queue = 3, 2
	for begun := range limit + 1 {
		var s slots
		s.init(limit, queue)
		taken, workers := 0, 0
		for range 2 * (limit + queue) {
			ok, start := s.submit(&job{})
			if ok {
				taken++
			}
			for start && workers < begun {
				workers++
				_, start = s.begin()
			}
		}
		if taken != limit+queue {
			t.Errorf("%d workers: %d taken, want %d", begun, taken, limit+queue)
		}
	}
}
