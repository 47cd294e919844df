package socket_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// message is what the benchmarks send: topic, envelope, payload.
func message(payload int) zmq4.Msg {
	return zmq4.NewMsgFrom([]byte("bench.topic"), make([]byte, 32), make([]byte, payload))
}

// flow is a running receiver with a window: the sender never has more messages under way than the queues hold, so none is dropped. (A message
// counts against the send queue until the Write returns, by when it may have been received: hence queues of two windows.)
type flow struct {
	ctx      context.Context
	pub      *socket.Pub
	sent     int64
	received atomic.Int64
	progress chan struct{} // a token when received has grown
	done     chan error
}

const window = 4096

func newFlow(b *testing.B) *flow {
	opts := &socket.Options{SendHWM: 2 * window, ReceiveHWM: 2 * window}
	pub, sub := pair(b, opts, opts, "bench")
	f := &flow{ctx: patient(b), pub: pub, progress: make(chan struct{}, 1), done: make(chan error, 1)}
	go func() {
		buf := make([]zmq4.Msg, 1024)
		for f.received.Load() < int64(b.N) {
			n, err := sub.RecvBatch(f.ctx, buf)
			if err != nil {
				f.done <- err
				return
			}
			clear(buf[:n])
			f.received.Add(int64(n))
			select {
			case f.progress <- struct{}{}:
			default:
			}
		}
		f.done <- nil
	}()
	return f
}

// room waits until n more messages fit into the window.
func (f *flow) room(b *testing.B, n, window int64) {
	for f.sent += n; f.sent-f.received.Load() > window; {
		select {
		case <-f.progress:
		case <-f.ctx.Done():
			b.Fatalf("stuck: %+v", f.pub.Stats())
		}
	}
}

func (f *flow) finish(b *testing.B) {
	if err := <-f.done; err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if s := f.pub.Stats(); s.Dropped != 0 {
		b.Fatalf("%d of %d messages dropped", s.Dropped, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkPubSubTCP(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			f, msg := newFlow(b), message(size)
			limit := int64(max(64, min(window, 16<<20/size)))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				f.room(b, 1, limit)
				if err := f.pub.Send(msg); err != nil {
					b.Fatal(err)
				}
			}
			f.finish(b)
		})
	}
}

func BenchmarkPubSubTCPBatch(b *testing.B) {
	f := newFlow(b)
	msgs := make([]zmq4.Msg, 128)
	for i := range msgs {
		msgs[i] = message(64)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		batch := msgs[:min(left, len(msgs))]
		f.room(b, int64(len(batch)), window)
		if _, err := f.pub.SendBatch(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		left -= len(batch)
	}
	f.finish(b)
}

// BenchmarkSendRetained is what keeping a message adds to sending it, with nobody there.
func BenchmarkSendRetained(b *testing.B) {
	p, msg := newPub(b, nil), message(64)
	b.Run("not", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Send(msg); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, keys := range []int{1, 1000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			names := make([]string, keys)
			for i := range names {
				names[i] = strconv.Itoa(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := p.SendRetained(msg, socket.Retained{Key: names[i%keys], Limit: keys}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
