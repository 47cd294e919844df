package bus_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// Sentence 6: the first event of a pair sets the base, a hole is a Gap, what was there before is a duplicate, another source on a known
// topic is a NewSource, and each topic is counted for itself.
func TestSequences(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		r := bustest.Record(t, b, topic.NewPrefix[int](""))
		f.receive(alpha, 5, "numbers", "5") // the base
		f.receive(alpha, 6, "numbers", "6")
		f.receive(alpha, 6, "numbers", "6")
		f.receive(alpha, 10, "numbers", "10")
		f.receive(alpha, 9, "numbers", "9")
		f.receive(alpha, 1, "others", "1")
		f.receive(beta, 3, "numbers", "3")
		f.receive(beta, 5, "numbers", "5")
		f.receive(alpha, 11, "numbers", "11")
		want := []bus.Notice{
			bus.Gap{Source: alpha, Topic: "numbers", From: 7, To: 9},
			bus.NewSource{Source: beta, Topic: "numbers"},
			bus.Gap{Source: beta, Topic: "numbers", From: 4, To: 4},
		}
		if got := notices(); !slices.Equal(got, want) {
			t.Errorf("notices %v, want %v", got, want)
		}
		var values []int
		for _, e := range r.All() {
			values = append(values, e.Value)
		}
		if want := []int{5, 6, 10, 1, 3, 5, 11}; !slices.Equal(values, want) {
			t.Errorf("got %v, want %v", values, want)
		}
		if s := b.Stats(); s.Duplicate != 2 || s.Lost != 4 || s.Received != 9 {
			t.Errorf("%+v, want 2 duplicate, 4 lost, 9 received", s)
		}
	})
}

// Sentence 6: nobody missed what was published while nobody here was subscribed.
func TestNoGapWhileNotSubscribed(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		first := bustest.Record(t, b, numbers)
		other := bustest.Record(t, b, words)
		f.receive(alpha, 1, "numbers", "1")
		f.receive(alpha, 1, "words", `"1"`)
		first.Wait(1)
		other.Wait(1)
		if err := first.Subscription().Close(); err != nil {
			t.Fatal(err)
		}
		again := bustest.Record(t, b, numbers)
		f.receive(alpha, 9, "numbers", "9")
		f.receive(alpha, 9, "words", `"9"`)
		again.Wait(1)
		other.Wait(2)
		if got, want := notices(), []bus.Notice{bus.Gap{Source: alpha, Topic: "words", From: 2, To: 8}}; !slices.Equal(got, want) {
			t.Errorf("notices %v, want %v", got, want)
		}
	})
}

// Sentence 6: a source that was known before is not new after subscribing again.
func TestKnownSourcesStayKnown(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		first := bustest.Record(t, b, numbers)
		f.receive(alpha, 1, "numbers", "1")
		f.receive(beta, 1, "numbers", "1")
		first.Wait(2)
		if err := first.Subscription().Close(); err != nil {
			t.Fatal(err)
		}
		again := bustest.Record(t, b, numbers)
		f.receive(alpha, 5, "numbers", "5")
		f.receive(beta, 5, "numbers", "5")
		again.Wait(2)
		if got, want := notices(), []bus.Notice{bus.NewSource{Source: beta, Topic: "numbers"}}; !slices.Equal(got, want) {
			t.Errorf("notices %v, want %v", got, want)
		}
	})
}

// Sentence 6: an event whose source is the receiving bus is dropped and counted as echo.
func TestEcho(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		r := bustest.Record(t, b, numbers)
		publish(t, t.Context(), newPublisher(t, b, numbers), 1)
		f.incoming <- f.sent()[0]
		f.receive(alpha, 1, "numbers", "2")
		r.Wait(2)
		if s := b.Stats(); s.Echo != 1 || len(r.All()) != 2 {
			t.Errorf("%+v, want 1 echo", s)
		}
	})
}

// The pairs of source and topic that a receiver remembers are bounded.
func TestTrackedPairsAreBounded(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		bustest.Record(t, b, numbers)
		source := alpha
		const pairs = 65_536 + 10
		for i := range pairs {
			source[1], source[2], source[3] = byte(i), byte(i>>8), byte(i>>16)
			f.receive(source, 1, "numbers", "1")
		}
		synctest.Wait()
		if s := b.Stats(); s.Evicted != 10 || s.Received != pairs {
			t.Errorf("%+v, want 10 evicted", s)
		}
	})
}
