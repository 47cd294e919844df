package change_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/internal/change"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestSignal(t *testing.T) {
	t.Parallel()
	var s change.Signal
	s.Tell() // nobody waits
	first, second := s.Next(), s.Next()
	if closed(first) || closed(second) {
		t.Fatal("a change was told before it came")
	}
	s.Tell()
	if !closed(first) || !closed(second) {
		t.Error("somebody was not told")
	}
	if closed(s.Next()) {
		t.Error("the same change was told again")
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	c := make(chan struct{})
	if change.Closed(c) {
		t.Error("it is open")
	}
	close(c)
	if !change.Closed(c) {
		t.Error("it is closed")
	}
}
