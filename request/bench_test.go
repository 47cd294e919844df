package request_test

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

var echo = request.NewCall[[]byte, []byte]("bench.echo").WithCodec(codec.Raw)

func same(_ context.Context, b []byte) ([]byte, error) { return b, nil }

// BenchmarkInProcess is a call of a handler through Do.
func BenchmarkInProcess(b *testing.B) {
	here := bustest.New(b)
	serve(b, here, double, twice, nil)
	cl := newClient(b, here, double, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cl.Do(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRoundTrip asks one at a time, 64 bytes over tcp, beside two goroutines that do nothing but write to a connection and read from it.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("tcp", func(b *testing.B) { pingPong(b) })
	b.Run("do", func(b *testing.B) {
		open := bustest.On(b, bustest.TCP())
		there, here := open(), open()
		serve(b, there, echo, same, nil)
		cl := newClient(b, here, echo, nil)
		payload := make([]byte, 64)
		measure(b, func() error {
			_, err := cl.Do(b.Context(), payload)
			return err
		})
	})
}

// BenchmarkInFlight asks with 100 goroutines.
func BenchmarkInFlight(b *testing.B) {
	open := bustest.On(b, bustest.TCP())
	there, here := open(), open()
	serve(b, there, echo, same, nil)
	cl := newClient(b, here, echo, nil)
	payload := make([]byte, 64)
	if _, err := cl.Do(b.Context(), payload); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := cl.Do(b.Context(), payload); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// measure reports the median and the 99th percentile of a round trip.
func measure(b *testing.B, round func() error) {
	b.Helper()
	for range 100 {
		if err := round(); err != nil {
			b.Fatal(err)
		}
	}
	times := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		begin := time.Now()
		if err := round(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100])/1e3, "p99-µs")
}

func pingPong(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var server sync.WaitGroup
	server.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		buf := make([]byte, 64)
		for {
			if _, err := io.ReadFull(c, buf); err != nil {
				return
			}
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	})
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 64)
	measure(b, func() error {
		if _, err := c.Write(buf); err != nil {
			return err
		}
		_, err := io.ReadFull(c, buf)
		return err
	})
	_ = c.Close()
	_ = l.Close()
	server.Wait()
}
