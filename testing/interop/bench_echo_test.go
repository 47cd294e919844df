package interop_test

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/go-zeromq/zmq4"
)

// echo keeps 100 messages under way between a ROUTER and one of its DEALERs. The others are idle.
func echo(b *testing.B, peers int) {
	router, dealers := closing(b, socket.NewRouter(nil)), make([]socket.Socket, peers)
	for i := range dealers {
		dealers[i] = closing(b, socket.NewDealer(nil))
	}
	joined(b, router, interop.AnyPort, dealers...)
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
	ctx, msg, batch, dealer := interop.Patient(b), zmq4.NewMsg(make([]byte, 64)), socket.NewBatch(128), dealers[peers-1]
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
		joined(b, rep, interop.AnyPort, req)
		go func() { // ends with its socket
			for m, err := rep.Recv(); err == nil; m, err = rep.Recv() {
				_ = rep.Send(m)
			}
		}()
		ctx, msg := interop.Patient(b), zmq4.NewMsg(make([]byte, 64))
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
