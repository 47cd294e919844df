package network_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/interop"
)

const (
	floodRate    = 110_000 // events a second
	floodPayload = 200     // bytes
	floodHWM     = 1000    // SendHWM, ReceiveHWM and the subscription's queue

	// An event holds its bytes on the wire (topic 9, envelope 50, payload 200, frame headers 6), three slices of frames, a place in a
	// queue with its metadata, and a share of what is not used of a page or segment: less than a KiB.
	floodEvent = 1 << 10
	floodWire  = 250 // bytes on the wire at least
	floodSlack = 4 << 20

	// The publisher holds a full queue. A subscriber holds what was received, what the bus has taken at once (128), and a full queue.
	floodPublisher  = floodHWM*floodEvent + floodSlack
	floodSubscriber = (floodHWM+128+floodHWM)*floodEvent + floodSlack
)

// What a policy does for a subscription whose handler has stopped.
var floods = map[string]struct {
	overflow bus.Overflow
	holds    bool // the publisher back, whose queue overflows, instead of dropping here
}{
	"Block":      {bus.Block, true},
	"DropOldest": {bus.DropOldest, false},
	"DropNewest": {bus.DropNewest, false},
	"Latest":     {bus.Latest, false},
	"Fail":       {bus.Fail, false},
}

// One process publishes more than 100,000 events a second to another whose handler has stopped. Neither grows beyond its queues, and each event is
// found in a counter. The policies have the machine for themselves one after the other.
func TestFlood(t *testing.T) {
	for name, f := range floods {
		t.Run(name, func(t *testing.T) {
			p := start(t, spec{Role: "publisher", link: link{Bind: interop.AnyPort}, Topics: 1, Payload: floodPayload})
			s := start(t, spec{Role: "subscriber", link: link{Connect: p.endpoint}, Queue: floodHWM, Overflow: f.overflow})
			s.ask("wait", 1)
			p.ask("wait", 1)
			emptyP, emptyS := p.ask("weigh", 0), s.ask("weigh", 0)
			var took time.Duration
			for range floodSeconds {
				took += p.ask("flood", floodRate).Took
				bounded(t, "publisher", emptyP, p.ask("weigh", 0), floodPublisher)
				bounded(t, "subscriber", emptyS, s.ask("weigh", 0), floodSubscriber)
			}
			const n = floodSeconds * floodRate
			if rate := n / took.Seconds(); rate < floodLeast {
				t.Errorf("only %.0f events a second", rate)
			}

			sent := p.ask("weigh", 0).Bus.Transport
			if sent.Sent+sent.Dropped != n || f.holds && sent.Dropped == 0 {
				t.Errorf("%d were published: %+v", n, sent)
			}
			// What has been sent and not taken is in two queues of HWM messages and in the buffers of the connection.
			stopped := s.ask("weigh", 0)
			flight := sent.Sent - stopped.Bus.Transport.Received
			if limit := uint64(2*floodHWM + kernelBuffers(t)/floodWire); flight > limit {
				t.Errorf("%d events on the way, %d at most", flight, limit)
			}
			balanced(t, stopped)
			if f.holds != (stopped.Subscription.Dropped == 0) || stopped.Subscription.Running != 1 {
				t.Errorf("%+v", stopped.Subscription)
			}

			s.ask("release", 0)
			balanced(t, s.ask("drain", int(sent.Sent)))
			p.ask("further", 1)
			end := s.ask("drain", int(sent.Sent)+1)
			balanced(t, end)
			if end.Bus.Received != sent.Sent+1 || end.Bus.Lost != sent.Dropped || end.Subscription.Queued+end.Subscription.Running != 0 {
				t.Errorf("sent %d and one more, dropped %d; %+v", sent.Sent, sent.Dropped, end)
			}
			t.Logf("published %d (%.0f a second), dropped by the publisher %d, on the way %d, dropped by the subscription %d, handled %d",
				n+1, n/took.Seconds(), sent.Dropped, flight, end.Subscription.Dropped, end.Subscription.Succeeded)
		})
	}
}

func bounded(t *testing.T, who string, empty, r report, limit uint64) {
	t.Helper()
	t.Logf("%s: heap %d KiB, in use %d KiB", who, r.Heap>>10, r.InUse>>10)
	if r.Heap > empty.Heap+limit || r.InUse > empty.InUse+limit {
		t.Errorf("%s has grown from %d to %d bytes, in use from %d to %d; %d more at most", who, empty.Heap, r.Heap, empty.InUse, r.InUse, limit)
	}
}

// balanced checks that every event that a subscriber received is in a counter.
func balanced(t *testing.T, r report) {
	t.Helper()
	s, b := r.Subscription, r.Bus
	if s.Matched != s.Queued+s.Running+s.Succeeded+s.Failed+s.Dropped+s.Abandoned || s.Failed+s.Abandoned != 0 {
		t.Errorf("%+v", s)
	}
	// One may wait for room, with Block.
	if waiting := b.Received - s.Matched; waiting > 1 || waiting == 1 && s.Running == 0 {
		t.Errorf("received %d, matched %d", b.Received, s.Matched)
	}
	if b.Unmatched+b.Echo+b.Duplicate+b.BadEnvelopes+b.Abandoned+b.Evicted != 0 || b.Transport.Dropped != 0 {
		t.Errorf("%+v", b)
	}
}

// kernelBuffers is how much of a connection the two kernels hold at most, where that can be known.
func kernelBuffers(t *testing.T) (bytes int) {
	t.Helper()
	for _, name := range []string{"tcp_rmem", "tcp_wmem"} {
		limits, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
		if err != nil {
			return 64 << 20
		}
		words := strings.Fields(string(limits))
		most, err := strconv.Atoi(words[len(words)-1])
		if err != nil {
			t.Fatal(err)
		}
		bytes += most
	}
	return bytes
}
