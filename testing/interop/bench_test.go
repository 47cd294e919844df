package interop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/go-zeromq/zmq4"
)

// The benchmarks run the same load through our sockets and through libzmq in C (peers/bench.c), one after the other: machines drift, ratios hold.
// All marks are the defaults, which are the same.
// Ours send with Send, one message at a time, and receive with RecvInto, which uses memory again, both as libzmq does. "kept" is RecvBatch, whose
// messages are the garbage collector's; "one by one" is RecvContext.

// libzmq is the C program, or the reason why there is none.
type libzmq struct{ program, missing string }

// compile builds libzmq's side. Debian has what it needs in gcc and libzmq3-dev.
func compile(b *testing.B) libzmq {
	b.Helper()
	program := filepath.Join(b.TempDir(), "bench")
	if _, err := exec.LookPath("gcc"); err != nil {
		return libzmq{missing: "gcc is not installed"}
	}
	if err := exec.Command("gcc", "-fsyntax-only", "-include", "zmq.h", "-x", "c", os.DevNull).Run(); err != nil {
		return libzmq{missing: "zmq.h is not installed: Debian has it in libzmq3-dev"}
	}
	if output, err := exec.Command("gcc", "-O2", "-o", program, "peers/bench.c", "-lzmq", "-lpthread").CombinedOutput(); err != nil {
		b.Fatalf("bench.c does not compile: %v\n%s", err, output)
	}
	return libzmq{program: program}
}

// run is the sub-benchmark "libzmq". least is how many messages are worth the start of a process. Of pubsub the deliveries are counted.
func (l libzmq) run(b *testing.B, mode string, size, peers, least int, units ...string) {
	b.Run("libzmq", func(b *testing.B) {
		if l.missing != "" {
			interop.Missing(b, l.missing)
		}
		ctx, cancel := context.WithTimeout(b.Context(), patience)
		defer cancel()
		count := max(b.N, least)
		if mode == "pubsub" {
			count = max(b.N/peers, least)
		}
		args := []string{mode, strconv.Itoa(size), strconv.Itoa(count), strconv.Itoa(peers)}
		output, err := exec.CommandContext(ctx, l.program, args...).Output()
		if err != nil {
			b.Fatal(err)
		}
		figures := strings.Fields(string(output))
		if len(figures) != len(units) {
			b.Fatalf("%q", output)
		}
		for i, unit := range units {
			figure, err := strconv.ParseFloat(figures[i], 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(figure, unit)
		}
		b.ReportMetric(0, "ns/op") // it would count the start of the process
	})
}

func closing[S socket.Socket](b *testing.B, s S) S {
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// joined has dialer connected to listener, which has so many peers then. It returns the endpoint.
func joined(b *testing.B, listener socket.Socket, at string, dialers ...socket.Socket) {
	b.Helper()
	if err := listener.Listen(at); err != nil {
		b.Fatal(err)
	}
	for _, d := range dialers {
		if err := d.Dial(listener.Bound()[0]); err != nil {
			b.Fatal(err)
		}
	}
	eventually(b, listener, "the peers", func() bool { return len(listener.Peers()) == len(dialers) })
	for _, d := range dialers {
		eventually(b, d, "the peers", func() bool { return len(d.Peers()) == 1 })
	}
}

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
	ctx := patient(b)
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
	joined(b, pub, anyPort, subs...)
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
			b.Run("fanfare", func(b *testing.B) { streamPushPull(b, anyPort, payloads[name], lent) })
			b.Run("fanfare, kept", func(b *testing.B) { streamPushPull(b, anyPort, payloads[name], kept) })
			b.Run("fanfare, one by one", func(b *testing.B) { streamPushPull(b, anyPort, payloads[name], single) })
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

// echo keeps 100 messages under way between a ROUTER and one of its DEALERs. The others are idle.
func echo(b *testing.B, peers int) {
	router, dealers := closing(b, socket.NewRouter(nil)), make([]socket.Socket, peers)
	for i := range dealers {
		dealers[i] = closing(b, socket.NewDealer(nil))
	}
	joined(b, router, anyPort, dealers...)
	go func() { // ends with its socket
		batch := socket.NewBatch(128)
		for {
			msgs, err := router.RecvInto(context.Background(), batch)
			if err != nil {
				return
			}
			for _, m := range msgs {
				_ = router.Send(m)
			}
		}
	}()
	ctx, msg, batch, dealer := patient(b), zmq4.NewMsg(make([]byte, 64)), socket.NewBatch(128), dealers[peers-1]
	b.ResetTimer()
	for sent, received := 0, 0; received < b.N; {
		for ; sent < b.N && sent-received < 100; sent++ {
			if err := dealer.Send(msg); err != nil {
				b.Fatal(err)
			}
		}
		msgs, err := dealer.RecvInto(ctx, batch)
		if err != nil {
			b.Fatal(err)
		}
		received += len(msgs)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkDealerRouterEcho(b *testing.B) {
	c := compile(b)
	b.Run("fanfare", func(b *testing.B) { echo(b, 1) })
	c.run(b, "echo", 64, 1, 1000, "msg/s")
}

// What a message costs must not depend on how many peers a ROUTER has.
func BenchmarkRouterPeers(b *testing.B) {
	c := compile(b)
	for _, peers := range []int{1, 10, 1000} {
		b.Run(strconv.Itoa(peers), func(b *testing.B) {
			b.Run("fanfare", func(b *testing.B) { echo(b, peers) })
			c.run(b, "echo", 64, peers, 100_000, "msg/s")
		})
	}
}

// percentiles times round trips.
func percentiles(b *testing.B, roundTrip func() error) {
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	for i := range took {
		start := time.Now()
		if err := roundTrip(); err != nil {
			b.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-µs")
}

func BenchmarkReqRep(b *testing.B) {
	c := compile(b)
	b.Run("fanfare", func(b *testing.B) {
		req, rep := closing(b, socket.NewReq(nil)), closing(b, socket.NewRep(nil))
		joined(b, rep, anyPort, req)
		go func() { // ends with its socket
			for m, err := rep.Recv(); err == nil; m, err = rep.Recv() {
				_ = rep.Send(m)
			}
		}()
		ctx, msg := patient(b), zmq4.NewMsg(make([]byte, 64))
		percentiles(b, func() error {
			if err := req.Send(msg); err != nil {
				return err
			}
			_, err := req.RecvContext(ctx)
			return err
		})
	})
	c.run(b, "reqrep", 64, 1, 1000, "p50-µs", "p99-µs")
	b.Run("raw", func(b *testing.B) { // what two goroutines on a bare connection need
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		go func() {
			if nc, err := l.Accept(); err == nil {
				_, _ = io.CopyBuffer(struct{ io.Writer }{nc}, struct{ io.Reader }{nc}, make([]byte, 64)) // hidden: no splice
				_ = nc.Close()
			}
		}()
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		buf := make([]byte, 64)
		percentiles(b, func() error {
			if _, err := nc.Write(buf); err != nil {
				return err
			}
			_, err := io.ReadFull(nc, buf)
			return err
		})
	})
}

// BenchmarkIdleConnection has 1000 connections that have carried nothing, hence 2000 ends in this process. libzmq's figure is resident memory.
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 1000
	c := compile(b)
	memory := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the first leaves what pools hold
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse + m.StackInuse)
	}
	for _, build := range []func() (listener, dialer socket.Socket){
		func() (socket.Socket, socket.Socket) { return socket.NewPull(nil), socket.NewPush(nil) },
		func() (socket.Socket, socket.Socket) { return socket.NewPub(nil), socket.NewSub(nil) },
		func() (socket.Socket, socket.Socket) { return socket.NewRouter(nil), socket.NewDealer(nil) },
	} {
		listener, dialer := build()
		b.Run(fmt.Sprintf("fanfare %s %s", dialer.Type(), listener.Type()), func(b *testing.B) {
			listener, dialer := build() // anew each time
			closing(b, listener)
			closing(b, dialer)
			if err := listener.Listen(anyPort); err != nil {
				b.Fatal(err)
			}
			before := memory()
			for i := range connections {
				if err := dialer.Dial(listener.Bound()[0]); err != nil {
					b.Fatal(err)
				}
				eventually(b, listener, "the peers", func() bool { return len(listener.Peers()) > i-100 }) // below the limit of handshakes at once
			}
			eventually(b, listener, "the peers", func() bool { return len(listener.Peers()) == connections })
			eventually(b, dialer, "the peers", func() bool { return len(dialer.Peers()) == connections })
			each := float64(memory()-before) / (2 * connections)
			for b.Loop() { // nothing else is measured
			}
			b.ReportMetric(each, "B/end")
			b.ReportMetric(0, "ns/op")
		})
	}
	c.run(b, "idle", 64, connections, 1, "B/end")
}
