package socket_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// drain receives n messages in batches.
func drain(s socket.Socket, n int) error {
	buf := make([]zmq4.Msg, 1024)
	for n > 0 {
		k, err := s.RecvBatch(context.Background(), buf[:min(n, len(buf))])
		if err != nil {
			return err
		}
		clear(buf[:k])
		n -= k
	}
	return nil
}

// BenchmarkPushPull sends one message at a time; PUSH waits when it is ahead.
func BenchmarkPushPull(b *testing.B) {
	for _, endpoint := range []string{anyPort, "inproc://bench"} {
		for _, size := range []int{64, 64 << 10} {
			b.Run(fmt.Sprintf("%.6s/%d", endpoint, size), func(b *testing.B) {
				push, pull := open(b, socket.NewPush(nil)), open(b, socket.NewPull(nil))
				dial(b, push, listen(b, pull, endpoint))
				connected(b, push, 1)
				msg, done := message(size), make(chan error, 1)
				go func() { done <- drain(pull, b.N) }()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					if err := push.Send(msg); err != nil {
						b.Fatal(err)
					}
				}
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}

// BenchmarkFanOut counts deliveries.
func BenchmarkFanOut(b *testing.B) {
	for _, subscribers := range []int{10, 100} {
		b.Run(strconv.Itoa(subscribers), func(b *testing.B) {
			pub := newPub(b, &socket.Options{SendHWM: -1})
			at, done := listen(b, pub, anyPort), make(chan error, subscribers)
			subs := make([]*socket.Sub, subscribers)
			for i := range subs {
				subs[i] = newSub(b, &socket.Options{ReceiveHWM: -1}, "bench")
				dial(b, subs[i], at)
				ready(b, subs[i])
			}
			msg, rounds := message(64), b.N/subscribers+1
			const window = 1000
			progress := make(chan struct{}, rounds)
			for i, sub := range subs {
				go func() {
					for left := rounds; left > 0; left -= window {
						if err := drain(sub, min(left, window)); err != nil {
							done <- err
							return
						}
						if i == 0 {
							progress <- struct{}{}
						}
					}
					done <- nil
				}()
			}
			b.ResetTimer()
			for i := range rounds {
				if i >= 4*window && i%window == 0 {
					<-progress // what is under way stays bounded
				}
				if err := pub.Send(msg); err != nil {
					b.Fatal(err)
				}
			}
			for range subs {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			if s := pub.Stats(); s.Dropped > 0 {
				b.Fatalf("%+v", s)
			}
			b.ReportMetric(float64(rounds*subscribers)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkEcho keeps 100 messages under way between a DEALER and a ROUTER that has other peers too.
func BenchmarkEcho(b *testing.B) {
	for _, peers := range []int{1, 1000} {
		b.Run(fmt.Sprint(peers, " peers"), func(b *testing.B) {
			router, dealer := open(b, socket.NewRouter(nil)), open(b, socket.NewDealer(nil))
			at := listen(b, router, anyPort)
			for range peers - 1 {
				dial(b, open(b, socket.NewDealer(nil)), at)
			}
			dial(b, dealer, at)
			connected(b, router, peers)
			go func() {
				buf := make([]zmq4.Msg, 128)
				for {
					n, err := router.RecvBatch(context.Background(), buf)
					if err != nil {
						return
					}
					_, _ = router.SendBatch(context.Background(), buf[:n])
				}
			}()
			msg, under, sent := zmq4.NewMsg(make([]byte, 64)), 0, 0
			buf := make([]zmq4.Msg, 128)
			b.ResetTimer()
			for received := 0; received < b.N; {
				for ; under < 100 && sent < b.N; under++ {
					if err := dealer.Send(msg); err != nil {
						b.Fatal(err)
					}
					sent++
				}
				n, err := dealer.RecvBatch(context.Background(), buf)
				if err != nil {
					b.Fatal(err)
				}
				received += n
				under -= n
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// BenchmarkRoundTrip compares REQ and REP with two goroutines on a bare connection.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("bare tcp", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			buf := make([]byte, 64)
			for {
				if _, err := io.ReadFull(c, buf); err != nil {
					return
				}
				_, _ = c.Write(buf)
			}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		buf := make([]byte, 64)
		percentiles(b, func() error {
			_, _ = c.Write(buf)
			_, err := io.ReadFull(c, buf)
			return err
		})
	})
	for _, endpoint := range []string{anyPort, "inproc://round-trip"} {
		b.Run(fmt.Sprintf("%.6s", endpoint), func(b *testing.B) {
			req, rep := open(b, socket.NewReq(nil)), open(b, socket.NewRep(nil))
			dial(b, req, listen(b, rep, endpoint))
			go func() {
				for {
					m, err := rep.Recv()
					if err != nil || rep.Send(m) != nil {
						return
					}
				}
			}()
			msg := zmq4.NewMsg(make([]byte, 64))
			b.ReportAllocs()
			percentiles(b, func() error {
				if err := req.Send(msg); err != nil {
					return err
				}
				_, err := req.Recv()
				return err
			})
		})
	}
}

// percentiles times each round trip.
func percentiles(b *testing.B, roundTrip func() error) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := roundTrip(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1000, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1000, "p99-µs")
}

// BenchmarkIdleConnection reports the memory of one end of a connection, goroutines included.
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 500
	pull := open(b, socket.NewPull(nil))
	at := listen(b, pull, anyPort)
	push := open(b, socket.NewPush(nil))
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	for range connections {
		dial(b, push, at)
	}
	connected(b, pull, connections)
	connected(b, push, connections)
	perEnd := float64(memory()-before) / (2 * connections)
	for b.Loop() { // nothing more is measured
	}
	b.ReportMetric(perEnd, "B/end")
}
