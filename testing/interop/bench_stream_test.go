package interop_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/go-zeromq/zmq4"
)

// receiver counts what it receives. A sender that must not drop waits for it.
type receiver struct {
	n        atomic.Int64
	progress chan struct{} // a token when n has grown
	done     chan error
}

// taking is a way to receive: it returns how many messages it took.
type taking func(ctx context.Context, s socket.Socket) func() (int, error)

func lent(ctx context.Context, s socket.Socket) func() (int, error) {
	batch := socket.NewBatch(1024)
	return func() (int, error) {
		msgs, err := s.RecvInto(ctx, batch)
		return len(msgs), err
	}
}

func kept(ctx context.Context, s socket.Socket) func() (int, error) {
	buf := make([]zmq4.Msg, 1024)
	return func() (int, error) {
		n, err := s.RecvBatch(ctx, buf)
		clear(buf[:n])
		return n, err
	}
}

func single(ctx context.Context, s socket.Socket) func() (int, error) {
	return func() (int, error) {
		_, err := s.RecvContext(ctx)
		return 1, err
	}
}

func receiving(ctx context.Context, s socket.Socket, count int, how taking) *receiver {
	r := &receiver{progress: make(chan struct{}, 1), done: make(chan error, 1)}
	go func() {
		take := how(ctx, s)
		for r.n.Load() < int64(count) {
			n, err := take()
			if err != nil {
				r.done <- err
				return
			}
			r.n.Add(int64(n))
			select {
			case r.progress <- struct{}{}:
			default:
			}
		}
		r.done <- nil
	}()
	return r
}

// stream sends messages of three frames, as the bus does.
func stream(b *testing.B, from socket.Socket, to []socket.Socket, size int, how taking) {
	rounds := b.N
	if len(to) > 1 { // then b.N counts deliveries
		rounds = b.N/len(to) + 1
	}
	msg := zmq4.NewMsgFrom([]byte("bench.topic"), make([]byte, 32), make([]byte, size))
	ctx := interop.Patient(b)
	b.ResetTimer()
	receivers := make([]*receiver, len(to))
	for i, s := range to {
		receivers[i] = receiving(ctx, s, rounds, how)
	}
	for range rounds {
		err := from.Send(msg)
		for errors.Is(err, socket.ErrFull) {
			changed := from.Changed()
			if err = from.Send(msg); errors.Is(err, socket.ErrFull) {
				select {
				case <-changed:
				case <-ctx.Done():
					b.Fatal("stuck")
				}
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, r := range receivers {
		if err := <-r.done; err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if s := from.Stats(); s.Dropped != 0 {
		b.Fatalf("%+v", s)
	}
	b.ReportMetric(float64(rounds*len(to))/b.Elapsed().Seconds(), "msg/s")
}

func streamPubSub(b *testing.B, size, peers int, how taking) {
	pub, subs := closing(b, socket.NewPub(&socket.Options{NoDrop: true})), make([]socket.Socket, peers)
	for i := range subs {
		sub := closing(b, socket.NewSub(nil))
		if err := sub.Subscribe("bench."); err != nil {
			b.Fatal(err)
		}
		subs[i] = sub
	}
	joined(b, pub, interop.AnyPort, subs...)
	eventually(b, pub, "the peers", func() bool { return pub.Subscribers([]byte("bench.topic")) == peers })
	stream(b, pub, subs, size, how)
}

func streamPushPull(b *testing.B, at string, size int, how taking) {
	push, pull := closing(b, socket.NewPush(nil)), closing(b, socket.NewPull(nil))
	joined(b, pull, at, push)
	stream(b, push, []socket.Socket{pull}, size, how)
}

var payloads = map[string]int{"64": 64, "64KiB": 64 << 10}

func BenchmarkPubSub(b *testing.B) {
	c := compile(b)
	for _, name := range []string{"64", "64KiB"} {
		b.Run(name, func(b *testing.B) {
			b.Run("fanfare", func(b *testing.B) { streamPubSub(b, payloads[name], 1, lent) })
			b.Run("fanfare, kept", func(b *testing.B) { streamPubSub(b, payloads[name], 1, kept) })
			b.Run("fanfare, one by one", func(b *testing.B) { streamPubSub(b, payloads[name], 1, single) })
			c.run(b, "pubsub", payloads[name], 1, 1000, "msg/s")
		})
	}
}

func BenchmarkPushPull(b *testing.B) {
	c := compile(b)
	for _, name := range []string{"64", "64KiB"} {
		b.Run(name, func(b *testing.B) {
			b.Run("fanfare", func(b *testing.B) { streamPushPull(b, interop.AnyPort, payloads[name], lent) })
			b.Run("fanfare, kept", func(b *testing.B) { streamPushPull(b, interop.AnyPort, payloads[name], kept) })
			b.Run("fanfare, one by one", func(b *testing.B) { streamPushPull(b, interop.AnyPort, payloads[name], single) })
			c.run(b, "pushpull", payloads[name], 1, 1000, "msg/s")
		})
	}
}

func BenchmarkFanOut(b *testing.B) {
	c := compile(b)
	for _, peers := range []int{10, 100} {
		b.Run(strconv.Itoa(peers), func(b *testing.B) {
			b.Run("fanfare", func(b *testing.B) { streamPubSub(b, 64, peers, lent) })
			c.run(b, "pubsub", 64, peers, 1000, "msg/s")
		})
	}
}

func BenchmarkInproc(b *testing.B) {
	c := compile(b)
	const at = "inproc://bench"
	b.Run("PushPull", func(b *testing.B) {
		b.Run("fanfare", func(b *testing.B) { streamPushPull(b, at, 64, lent) })
		c.run(b, "inproc-pushpull", 64, 1, 1000, "msg/s")
	})
	b.Run("Pair", func(b *testing.B) {
		b.Run("fanfare", func(b *testing.B) {
			from, to := closing(b, socket.NewPair(nil)), closing(b, socket.NewPair(nil))
			joined(b, to, at, from)
			stream(b, from, []socket.Socket{to}, 64, lent)
		})
		c.run(b, "inproc-pair", 64, 1, 1000, "msg/s")
	})
}
