package publisher_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// keeper is a wiretap that can retain, and has peers.
type keeper struct {
	*wiretap
	peers int
	kept  []kept
	fail  error
}

// kept is what a keeper was told to retain.
type kept struct {
	key   string
	limit int
}

func (k *keeper) Subscribers(string) int { return k.peers }

func (k *keeper) PublishRetained(m *transport.Message, key string, limit int) error {
	if k.fail != nil {
		return k.fail
	}
	k.kept = append(k.kept, kept{key, limit})
	return k.Publish(m)
}

var _ transport.Retainer = (*keeper)(nil)

// Options that say where events go, beside each other.
func TestReach(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options    publisher.Options
		local      []uint64 // the sequences of the events that a local subscription gets
		wire, kept int
		have       int // subscribers: two here and three peers
	}{
		"everywhere":       {publisher.Options{}, []uint64{1, 2}, 2, 0, 5},
		"Local":            {publisher.Options{Local: true}, []uint64{0, 0}, 0, 0, 2},
		"Remote":           {publisher.Options{Remote: true}, nil, 2, 0, 3},
		"retained":         {publisher.Options{Retain: publisher.RetainLast}, []uint64{1, 2}, 2, 2, 5},
		"retained, Local":  {publisher.Options{Retain: publisher.RetainLast, Local: true}, []uint64{0, 0}, 0, 0, 2},
		"retained, Remote": {publisher.Options{Retain: publisher.RetainLast, Remote: true}, nil, 2, 2, 3},
		"retained, Plain":  {publisher.Options{Retain: publisher.RetainLast, Plain: true}, []uint64{0, 0}, 2, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{wiretap: newWiretap(), peers: 3}
				b := bustest.New(t, &bus.Options{Transport: k})
				typed, other := bustest.Record(t, b, invoices), bustest.Record(t, b, topic.New[any](invoices.String()))
				pub := newPublisher(t, b, byCustomer, &tc.options)
				for i := range 2 {
					if err := pub.Publish(t.Context(), invoice{i, "ada"}); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				var local, foreign []uint64
				for _, e := range typed.All() {
					if local = append(local, e.Seq()); e.Time().IsZero() || e.Source() != b.Source() || e.Key() != "ada" {
						t.Errorf("%v from %v at %v", e, e.Source(), e.Time())
					}
				}
				for _, e := range other.All() {
					foreign = append(foreign, e.Seq())
				}
				if !slices.Equal(local, tc.local) || !slices.Equal(foreign, tc.local) {
					t.Errorf("here: %v and, as another type, %v, want %v", local, foreign, tc.local)
				}
				if wire := k.messages(); len(wire) != tc.wire || len(k.kept) != tc.kept {
					t.Errorf("on the wire: %v; retained %v; want %d and %d", wire, k.kept, tc.wire, tc.kept)
				}
				// Late subscriptions of the bus get what is retained for it.
				late := bustest.Record(t, b, invoices)
				synctest.Wait()
				if n := len(late.All()); (n == 1) != (tc.options.Retain != 0 && !tc.options.Remote) || n > 1 {
					t.Errorf("late: %v", late.All())
				}
				if err := late.Subscription().Close(); err != nil {
					t.Error(err)
				}
				for n := tc.have; n <= tc.have+1; n++ {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					err := pub.WaitSubscribers(ctx, n)
					var missing *bus.NotReadyError
					if (n > tc.have) != errors.As(err, &missing) {
						t.Errorf("%d subscribers: %v", n, err)
					}
					cancel()
				}
				// What it has published has taken numbers, or not.
				if err := newPublisher(t, b, invoices, nil).Publish(t.Context(), invoice{}); err != nil {
					t.Fatal(err)
				}
				numbered := tc.wire
				if tc.options.Plain {
					numbered = 0
				}
				if last := typed.Wait(len(tc.local) + 1)[len(tc.local)]; last.Seq() != uint64(numbered+1) {
					t.Errorf("the next event has the number %d", last.Seq())
				}
				if s := b.Stats(); s.Published != 3 || s.Refused+s.Unmatched != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// A Remote publisher waits for nobody of its bus, and refuses nothing for one that fails.
func TestRemoteHasNoBackPressure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{wiretap: newWiretap()}
		b := bustest.New(t, &bus.Options{Transport: k})
		full := newPublisher(t, b, invoices, nil)
		busy := bustest.NewSubscriber[invoice](t, bustest.Block())
		if _, err := subscriber.New(b, invoices, busy.Handle, &subscriber.Options{Queue: 1, Overflow: bus.Fail}); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if err := full.Publish(t.Context(), invoice{i, ""}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := full.Publish(t.Context(), invoice{}); !errors.Is(err, bus.ErrFull) {
			t.Errorf("%v, want no room", err)
		}
		for range 10 {
			if err := newPublisher(t, b, invoices, &publisher.Options{Remote: true}).Publish(t.Context(), invoice{}); err != nil {
				t.Error(err)
			}
		}
	})
}

// What the transport is asked to keep: the last event, or the last of each key of so many. What it refuses is nowhere.
func TestRetainer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options publisher.Options
		want    kept
	}{
		"last":         {publisher.Options{Retain: publisher.RetainLast, RetainedKeys: 7}, kept{"", 1}},
		"keys":         {publisher.Options{Retain: publisher.RetainKeys}, kept{"ada", 4096}},
		"some keys":    {publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: 7}, kept{"ada", 7}},
		"all the keys": {publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: 1 << 20}, kept{"ada", 1 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{wiretap: newWiretap()}
				b := bustest.New(t, &bus.Options{Transport: k})
				pub := newPublisher(t, b, byCustomer, &tc.options)
				if err := pub.Publish(t.Context(), invoice{5, "ada"}); err != nil || len(k.kept) != 1 || k.kept[0] != tc.want {
					t.Errorf("%v, %v, want %v", k.kept, err, tc.want)
				}
				k.fail = errors.New("refused")
				if err := pub.Publish(t.Context(), invoice{6, "ada"}); !errors.Is(err, k.fail) {
					t.Errorf("%v", err)
				}
				late := bustest.Record(t, b, invoices)
				if e := late.Wait(1)[0]; e.Value.Cents != 5 || e.Seq() != 1 {
					t.Errorf("late: %v", e)
				}
				k.fail = nil
				if err := pub.Publish(t.Context(), invoice{7, "ada"}); err != nil || late.Wait(2)[1].Seq() != 2 {
					t.Errorf("%v, then %v", err, late.All())
				}
			})
		})
	}
}

func TestReachErrors(t *testing.T) {
	t.Parallel()
	alone, plain, able := bustest.New(t), bustest.New(t, &bus.Options{Transport: newWiretap()}), bustest.New(t, &bus.Options{Transport: &keeper{wiretap: newWiretap()}})
	last := publisher.RetainLast
	for name, tc := range map[string]struct {
		bus     *bus.Bus
		options publisher.Options
		want    string // the field or feature; "" for no error
	}{
		"Local and Remote":        {able, publisher.Options{Local: true, Remote: true}, "publisher.Options.Local and Remote"},
		"Remote alone":            {alone, publisher.Options{Remote: true}, "publisher.Options.Remote"},
		"Local alone":             {alone, publisher.Options{Local: true, Retain: last}, ""},
		"Retain of 3":             {alone, publisher.Options{Retain: 3}, "publisher.Options.Retain"},
		"no keys":                 {alone, publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: -1}, "publisher.Options.RetainedKeys"},
		"too many keys":           {alone, publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: 1<<20 + 1}, "publisher.Options.RetainedKeys"},
		"as many keys as can be":  {alone, publisher.Options{Retain: publisher.RetainKeys, RetainedKeys: 1 << 20}, ""},
		"not able":                {plain, publisher.Options{Retain: last}, "publisher.Options.Retain"},
		"not able, keys, Remote":  {plain, publisher.Options{Retain: publisher.RetainKeys, Remote: true}, "publisher.Options.Retain"},
		"not able, but Local":     {plain, publisher.Options{Retain: last, Local: true}, ""},
		"not able, but Plain":     {plain, publisher.Options{Retain: last, Plain: true}, ""},
		"not able, nothing asked": {plain, publisher.Options{RetainedKeys: 1}, ""},
		"able":                    {able, publisher.Options{Retain: last}, ""},
	} {
		pub, err := publisher.New(tc.bus, invoices, &tc.options)
		got := ""
		var wrong *bus.OptionError
		var unsupported *bus.UnsupportedError
		if errors.As(err, &wrong) {
			got = wrong.Field
		}
		if errors.As(err, &unsupported) {
			got = unsupported.Feature
		}
		if got != tc.want || (pub == nil) != (tc.want != "") || (unsupported != nil) != (tc.bus == plain && tc.want != "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
