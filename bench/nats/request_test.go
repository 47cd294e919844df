package nats_test

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
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// BenchmarkRoundTrip asks one at a time: 64 bytes over tcp, there and back. It reports the median and the 99th percentile of a connection
// that two goroutines do nothing but write to and read from, of ours, and of NATS, and the ratios of the medians.
func BenchmarkRoundTrip(b *testing.B) {
	const block = 200 // rounds of one before it is the next one's turn
	payload := make([]byte, 64)
	rounds := []func() error{pingPong(b, payload), do(b, payload), natsRequest(b, payload)}
	times := make([][]time.Duration, len(rounds))
	b.ResetTimer()
	for left := b.N; left > 0; left -= block {
		for i, round := range rounds {
			for range min(block, left) {
				begin := time.Now()
				if err := round(); err != nil {
					b.Fatal(err)
				}
				times[i] = append(times[i], time.Since(begin))
			}
		}
	}
	b.StopTimer()
	var median [3]float64
	for i, name := range []string{"tcp", "do", "nats"} {
		slices.Sort(times[i])
		median[i] = micros(times[i], 0.50)
		b.ReportMetric(median[i], name+"-p50-µs")
		b.ReportMetric(micros(times[i], 0.99), name+"-p99-µs")
	}
	b.ReportMetric(median[1]/median[0], "do/tcp")
	b.ReportMetric(median[1]/median[2], "do/nats")
	b.ReportMetric(0, "ns/op") // of all three together
}

// BenchmarkInFlight asks with 100 goroutines at once: 64 bytes over tcp. It reports how many requests a second are answered, by ours and by
// NATS, and the ratio.
func BenchmarkInFlight(b *testing.B) {
	const (
		block      = 20_000
		goroutines = 100
	)
	payload := make([]byte, 64)
	rounds := []func() error{do(b, payload), natsRequest(b, payload)}
	var spent [2]time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; left -= block {
		for i, round := range rounds {
			begin := time.Now()
			if err := together(goroutines, min(block, left), round); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(begin)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/spent[0].Seconds(), "do-requests/s")
	b.ReportMetric(float64(b.N)/spent[1].Seconds(), "nats-requests/s")
	b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "do/nats")
	b.ReportMetric(0, "ns/op") // of both together
}

// together runs n rounds in goroutines, and returns the first error.
func together(goroutines, n int, round func() error) error {
	var (
		left  atomic.Int64
		all   sync.WaitGroup
		once  sync.Once
		first error
	)
	left.Store(int64(n))
	for range goroutines {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := round(); err != nil {
					once.Do(func() { first = err })
					return
				}
			}
		})
	}
	all.Wait()
	return first
}

// micros returns a quantile of sorted times.
func micros(times []time.Duration, quantile float64) float64 {
	return float64(times[int(float64(len(times)-1)*quantile)]) / 1e3
}

// pingPong returns a round trip over a bare connection.
func pingPong(b *testing.B, payload []byte) func() error {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var echo sync.WaitGroup
	echo.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for buf := make([]byte, len(payload)); ; {
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
	b.Cleanup(func() {
		_ = c.Close()
		_ = l.Close()
		echo.Wait()
	})
	buf := make([]byte, len(payload))
	return func() error {
		if _, err := c.Write(payload); err != nil {
			return err
		}
		_, err := io.ReadFull(c, buf)
		return err
	}
}

// do returns a request of ours, between two buses.
func do(b *testing.B, payload []byte) func() error {
	b.Helper()
	echo := request.NewCall[[]byte, []byte]("bench.echo").WithCodec(codec.Raw)
	there, tr := join(b, zmq.Options{Serve: zmq.Bind("tcp://127.0.0.1:0")})
	if _, err := request.Serve(there, echo, func(_ context.Context, p []byte) ([]byte, error) { return p, nil }, nil); err != nil {
		b.Fatal(err)
	}
	here, _ := join(b, zmq.Options{Request: zmq.Connect(tr.Bound().Serve...)})
	cl, err := request.NewClient(here, echo, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := cl.WaitServers(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	return func() error {
		_, err := cl.Do(context.Background(), payload) // both sides have a timeout and no context
		return err
	}
}

// natsRequest returns a request of NATS, between two connections to a server.
func natsRequest(b *testing.B, payload []byte) func() error {
	b.Helper()
	url := natsServer(b, server.Options{})
	there, here := natsConn(b, url), natsConn(b, url)
	if _, err := there.Subscribe("bench.echo", func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil { // a request without an answer fails
		b.Fatal(err)
	}
	if err := there.Flush(); err != nil {
		b.Fatal(err)
	}
	return func() error {
		_, err := here.Request("bench.echo", payload, patience)
		return err
	}
}
