package bus_test

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

// receiveSeqs makes the bus receive events of numbers whose values are their sequences; those below zero are retained ones.
func receiveSeqs(f *fakeTransport, source uuid.UUID, seqs ...int) {
	for _, seq := range seqs {
		if seq < 0 {
			f.receiveRetained(source, uint64(-seq), "numbers", strconv.Itoa(-seq))
		} else {
			f.receive(source, uint64(seq), "numbers", strconv.Itoa(seq))
		}
	}
	synctest.Wait()
}

// seqs checks what a recorder has got, by sequence.
func seqs(t *testing.T, who string, r *bustest.Recorder[int], want ...int) {
	t.Helper()
	synctest.Wait()
	var got []int
	for _, e := range r.All() {
		if got = append(got, int(e.Seq())); e.Value != int(e.Seq()) {
			t.Errorf("%s: event %d is %v", who, e.Seq(), e)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s got %v, want %v", who, got, want)
	}
}

// docs/wire.md, Retained events, (a) and (b): what the bus tells of sequences, retained ones below zero.
func TestSequencesOfRetainedEvents(t *testing.T) {
	gap := func(from, to uint64) bus.Notice { return bus.Gap{Source: alpha, Topic: "numbers", From: from, To: to} }
	for name, tc := range map[string]struct {
		received        []int
		want            []int
		notices         []bus.Notice
		lost, duplicate uint64
	}{
		"the base":                               {[]int{-7, 8}, []int{7, 8}, nil, 0, 0},
		"keys":                                   {[]int{-3, -7, -12, 13}, []int{3, 7, 12, 13}, nil, 0, 0},
		"keys, and a gap after them":             {[]int{-3, -7, 9}, []int{3, 7, 9}, []bus.Notice{gap(8, 8)}, 1, 0},
		"again, nothing lost":                    {[]int{-3, -7, 8, -3, -8, 9}, []int{3, 7, 8, 9}, nil, 0, 2},
		"again before any other":                 {[]int{-3, -7, -3, -7, 8}, []int{3, 7, 8}, nil, 0, 2},
		"after a reconnect, lost":                {[]int{5, 6, -6, -9, -10, 11}, []int{5, 6, 9, 10, 11}, []bus.Notice{gap(7, 8)}, 2, 1},
		"after a reconnect, lost between keys":   {[]int{5, -7, -9, 10}, []int{5, 7, 9, 10}, []bus.Notice{gap(6, 6), gap(8, 8)}, 2, 0},
		"after a reconnect, not lost":            {[]int{5, -6, -7, 8}, []int{5, 6, 7, 8}, nil, 0, 0},
		"retained ones, one other, retained":     {[]int{-2, -5, 6, -9}, []int{2, 5, 6, 9}, []bus.Notice{gap(7, 8)}, 2, 0},
		"a duplicate that is none, and an other": {[]int{-4, 4, 3, 5}, []int{4, 5}, nil, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
				bustest.AllowUndelivered(t, b)
				r := bustest.Record(t, b, numbers)
				receiveSeqs(f, alpha, tc.received...)
				seqs(t, "the subscription", r, tc.want...)
				if got := notices(); !slices.Equal(got, tc.notices) {
					t.Errorf("notices %v, want %v", got, tc.notices)
				}
				if s := b.Stats(); s.Lost != tc.lost || s.Duplicate != tc.duplicate {
					t.Errorf("%+v, want %d lost, %d duplicate", s, tc.lost, tc.duplicate)
				}
			})
		})
	}
}

// (c): a retained event goes to who has not had it, of whatever kind the subscription is, and to nobody twice.
func TestRetainedForLatecomers(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		first := bustest.Record(t, b, numbers)
		receiveSeqs(f, alpha, -3, -7, 8)
		second := bustest.Record(t, b, topic.NewPrefix[int]("num"))
		receiveSeqs(f, alpha, -3, -8, 9)
		third := bustest.Record(t, b, topic.NewPattern[int]("*"))
		receiveSeqs(f, alpha, 10, 8, -3, -9, -10, 11) // 10 was under way when the third came; 8 is nothing but a duplicate
		seqs(t, "the first", first, 3, 7, 8, 9, 10, 11)
		seqs(t, "the second", second, 3, 8, 9, 10, 11)
		seqs(t, "the third", third, 10, 3, 9, 11)
		if s := b.Stats(); len(notices()) > 0 || s.Lost != 0 || s.Duplicate != 2 {
			t.Errorf("%v, %+v", notices(), s)
		}
	})
}

// (c) where what others are sent again is under way when a subscription comes: it gets the rest of that, and of its own what was before.
func TestRetainedForWhoComesInBetween(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		first := bustest.Record(t, b, numbers)
		receiveSeqs(f, alpha, -1, -2, -4, -5, -7)
		receiveSeqs(f, alpha, -1, -2)
		second := bustest.Record(t, b, numbers)
		receiveSeqs(f, alpha, -4, -5, -7, -1, -2, -4, -5, -7, -1, -2, -4, -5, -7, 8)
		seqs(t, "the first", first, 1, 2, 4, 5, 7, 8)
		seqs(t, "the second", second, 4, 5, 7, 1, 2, 8)
		if s := b.Stats(); len(notices()) > 0 || s.Lost != 0 {
			t.Errorf("%v, %+v", notices(), s)
		}
	})
}

// (c) for each source of a topic.
func TestRetainedOfTwoSources(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		first := bustest.Record(t, b, numbers)
		receiveSeqs(f, alpha, -3)
		receiveSeqs(f, beta, -5, 6)
		second := bustest.Record(t, b, numbers)
		receiveSeqs(f, beta, -6)
		receiveSeqs(f, alpha, -3)
		receiveSeqs(f, beta, 7)
		seqs(t, "the first", first, 3, 5, 6, 7)
		seqs(t, "the second", second, 6, 3, 7)
	})
}

// (c) for every place that events can have: subscriptions that share one and those that have their own.
func TestRetainedForLatecomersOfAllKinds(t *testing.T) {
	for name, o := range map[string]subscriber.Options{
		"default": {}, "blocking": {Overflow: bus.Block}, "latest": {Overflow: bus.Latest}, "failing": {Overflow: bus.Fail}, "inline": {Inline: true}, "workers": {Workers: 2},
	} {
		t.Run(name, func(t *testing.T) {
			remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
				var got [3][]uint64
				for i := range got {
					record(t, b, &got[i], &o)
					receiveSeqs(f, alpha, -3)
				}
				receiveSeqs(f, alpha, 4)
				for i := range got {
					if !slices.Equal(got[i], []uint64{3, 4}) {
						t.Errorf("number %d got %v", i, got[i])
					}
				}
			})
		})
	}
}

// (c) for groups: they are one subscription, and the first member gets what is retained.
func TestRetainedForGroups(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		o := &subscriber.Options{Group: "g", LocalGroup: true}
		other := bustest.Record(t, b, numbers)
		receiveSeqs(f, alpha, -3, 4)
		var got [3][]uint64
		for i := range got {
			if i == 2 {
				o.Group = "another"
			}
			record(t, b, &got[i], o)
			receiveSeqs(f, alpha, -3, -4)
		}
		if want := []uint64{3, 4}; !slices.Equal(got[0], want) || got[1] != nil || !slices.Equal(got[2], want) {
			t.Errorf("members got %v, want the first of each group to", got)
		}
		seqs(t, "the first subscription", other, 3, 4)
	})
}

// Who subscribes again is new, even where others, or the numbers, were forgotten meanwhile; who is closed gets nothing. What was under way when
// a subscription was made comes to it before what is retained, and does not pass for that.
func TestRetainedAfterSubscribingAgain(t *testing.T) {
	for name, others := range map[string]bool{"alone": false, "with another": true} {
		t.Run(name, func(t *testing.T) {
			remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
				if others {
					bustest.Record(t, b, topic.NewPrefix[int](""))
				}
				receiveSeqs(f, alpha, 1, 2) // unmatched, if alone
				first := bustest.Record(t, b, numbers)
				receiveSeqs(f, alpha, 3, -1, -3, 4)
				if err := first.Subscription().Close(); err != nil {
					t.Fatal(err)
				}
				second := bustest.Record(t, b, numbers)
				receiveSeqs(f, alpha, 5, -1, -5, 6)
				third := bustest.Record(t, b, numbers)
				receiveSeqs(f, alpha, -1, -6, 7)
				seqs(t, "the first", first, 3, 1, 4)
				seqs(t, "the second", second, 5, 1, 6, 7)
				seqs(t, "the third", third, 1, 6, 7)
				if err := second.Subscription().Close(); err != nil {
					t.Fatal(err)
				}
				if err := third.Subscription().Close(); err != nil {
					t.Fatal(err)
				}
				fourth := bustest.Record(t, b, numbers)
				receiveSeqs(f, alpha, -1, -7, 8)
				seqs(t, "the fourth", fourth, 1, 7, 8)
				if s := b.Stats(); s.Lost != 0 || len(notices()) > 0 {
					t.Errorf("%+v, %v", s, notices())
				}
			})
		})
	}
}

// (c) however quick the peer is: its answer may be there before the subscription is.
func TestRetainedWhileSubscribing(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		first := bustest.Record(t, b, numbers)
		receiveSeqs(f, alpha, 3)
		f.subscribed = func() {
			before := f.receives.Load()
			f.receiveRetained(alpha, 3, "numbers", "3")
			for i := 0; i < 10_000 && f.receives.Load() == before; i++ { // until it has been dealt with, or waits for us
				runtime.Gosched()
			}
		}
		second := bustest.Record(t, b, topic.NewPrefix[int](""))
		seqs(t, "the first", first, 3)
		seqs(t, "the second", second, 3)
	})
}
