package memory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func retain(t testing.TB, tr transport.Retainer, m *transport.Message, key string, limit int) {
	t.Helper()
	if err := tr.PublishRetained(m, key, limit); err != nil {
		t.Fatal(err)
	}
}

// events returns topic, sequence, payload and flag of all enveloped messages that are there, and topic and payload of plain ones.
func events(t testing.TB, tr transport.Transport) (all []string) {
	t.Helper()
	for _, m := range drain(t, tr) {
		if m.Envelope == nil {
			all = append(all, m.Topic+" "+text(m))
			continue
		}
		h, err := envelope.Parse(m.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %s %t", m.Topic, h.Seq, text(m), h.Retained))
	}
	return all
}

func wantEvents(t testing.TB, tr transport.Transport, want ...string) {
	t.Helper()
	if got := events(t, tr); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A late subscriber gets the last of each key, of the keys published last, in their order, and before everything later.
func TestRetained(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, early := pair(t, nil, "t")
		retain(t, pub, numbered("t", 1, "x"), "x", 2)
		retain(t, pub, numbered("t", 2, "y"), "y", 2)
		retain(t, pub, numbered("t.other", 1, "alone"), "", 1)
		retain(t, pub, numbered("t", 3, "x"), "x", 2)
		retain(t, pub, numbered("t", 4, "z"), "z", 2)
		retain(t, pub, numbered("u", 1, "unwanted"), "", 1)
		wantEvents(t, early, "t 1 x false", "t 2 y false", "t.other 1 alone false", "t 3 x false", "t 4 z false")
		late := early
		for range 2 { // a second subscription, and a third
			subscribe(t, late, "t")
			publish(t, pub, numbered("t", 5, "live"))
			wantEvents(t, late, "t.other 1 alone true", "t 3 x true", "t 4 z true", "t 5 live false")
		}
		if s := pub.Stats(); s != (transport.Stats{Sent: 5 + 2*4, RetainedEvicted: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// A limit that has become smaller sends all away that are too many.
func TestRetainedLimitChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil)
		for i := range 5 {
			retain(t, pub, numbered("t", uint64(i+1), "x"), fmt.Sprint(i), 5)
		}
		retain(t, pub, numbered("t", 6, "x"), "0", 2)
		subscribe(t, sub, "")
		wantEvents(t, sub, "t 5 x true", "t 6 x true")
		if s := pub.Stats(); s.RetainedEvicted != 3 {
			t.Errorf("%+v", s)
		}
	})
}

// What is kept is not dropped because the queue is full, but what comes then is.
func TestRetainedBeyondTheMark(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, &memory.Options{HWM: 2}, "t")
		for i := range 5 {
			retain(t, pub, numbered("t", uint64(i+1), "x"), fmt.Sprint(i), 10)
		}
		subscribe(t, sub, "t")
		publish(t, pub, numbered("t", 6, "x"))
		wantEvents(t, sub, "t 1 x false", "t 2 x false", "t 1 x true", "t 2 x true", "t 3 x true", "t 4 x true", "t 5 x true")
		if s := pub.Stats(); s != (transport.Stats{Sent: 7, Dropped: 4}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestRetainedIsACopy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, owned := range []bool{false, true} {
			pub, sub := pair(t, nil, "t")
			m := numbered("t", 1, "payload")
			m.Owned = owned
			before := slices.Clone(m.Envelope)
			retain(t, pub, m, "", 1)
			if !slices.Equal(m.Envelope, before) {
				t.Error("the caller's envelope was changed")
			}
			clear(m.Envelope)
			clear(m.Payload[0])
			for range 2 {
				for _, got := range drain(t, sub) {
					if text(got) != "payload" {
						t.Errorf("owned %t: got %q", owned, text(got))
					}
					clear(got.Envelope)
					clear(got.Payload[0])
				}
				subscribe(t, sub, "t")
			}
			wantEvents(t, sub, "t 1 payload true")
		}
	})
}

// Without an envelope nothing is kept, and what was stays. Publish leaves it as it is.
func TestPlainIsNotRetained(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil)
		retain(t, pub, numbered("t", 1, "kept"), "", 1)
		plain := numbered("t", 2, "plain")
		plain.Plain = true
		retain(t, pub, plain, "", 1)
		retain(t, pub, message("t", "plain"), "", 1)
		publish(t, pub, numbered("t", 3, "live"))
		subscribe(t, sub, "t")
		wantEvents(t, sub, "t 1 kept true")
		retain(t, pub, plain, "", 1)
		wantEvents(t, sub, "t plain")
	})
}

func TestRetainedErrors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil)
		retain(t, pub, numbered("a", 1, "kept"), "", 1)
		none := numbered("a", 1, "x")
		none.Envelope = none.Envelope[:37]
		for want, tc := range map[string]struct {
			message *transport.Message
			limit   int
		}{
			"memory: length of topic is 256, allowed is 255 bytes or less":                  {numbered(strings.Repeat("t", 256), 1, "x"), 1},
			"memory: number of payload parts is 0, allowed is 1 or more":                    {numbered("a", 1), 1},
			"memory: number of retained keys is 0, allowed is 1 or more":                    {numbered("a", 1, "x"), 0},
			"memory: number of retained keys is -1, allowed is 1 or more":                   {message("a", "x"), -1},
			"memory: envelope is 37, allowed is 38 bytes or more that begin with the magic": {none, 1},
		} {
			var limit *memory.LimitError
			if err := pub.PublishRetained(tc.message, "", tc.limit); !errors.As(err, &limit) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		subscribe(t, sub, "")
		wantEvents(t, sub, "a 1 kept true")
	})
}

// A peer that subscribes at any moment gets each event from one on, without a hole, and the first is the one that was kept.
func TestRetainedHasNoHole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(&memory.Options{HWM: -1})
		const peers, messages = 8, 500
		pubs := []*memory.Transport{joinTo(t, network), joinTo(t, network)}
		var all sync.WaitGroup
		for p, pub := range pubs {
			retain(t, pub, numbered(fmt.Sprintf("t%d", p), 1, "x"), "", 1) // there is something to keep from the beginning
			all.Go(func() {
				for i := 1; i < messages; i++ {
					retain(t, pub, numbered(fmt.Sprintf("t%d", p), uint64(i+1), "x"), "", 1)
				}
			})
		}
		subs := make([]*memory.Transport, peers)
		for i := range subs {
			all.Go(func() {
				subs[i] = network.Join()
				subscribe(t, subs[i], "t")
			})
		}
		all.Wait()
		for _, sub := range subs {
			last := map[string]uint64{}
			for _, m := range drain(t, sub) {
				h, err := envelope.Parse(m.Envelope)
				if err != nil {
					t.Fatal(err)
				}
				if before, later := last[m.Topic]; h.Seq != before+1 && later || h.Retained == later {
					t.Fatalf("%d of %s, retained %t, after %d", h.Seq, m.Topic, h.Retained, before)
				}
				last[m.Topic] = h.Seq
			}
			if last["t0"] != messages || last["t1"] != messages {
				t.Errorf("the last ones are %v", last)
			}
			_ = sub.Close()
		}
	})
}

// What a transport keeps is gone when it ends.
func TestRetainedEndsWithItsTransport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		pub, sub := pair(t, nil)
		retain(t, pub, numbered("t", 1, "kept"), "", 1)
		_ = pub.Close()
		subscribe(t, sub, "t")
		wantEvents(t, sub)
	})
}
