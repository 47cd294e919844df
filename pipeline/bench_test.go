package pipeline_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

var blobs = pipeline.NewTask[[]byte]("bench.blobs").WithCodec(codec.Raw)

// BenchmarkAcknowledged takes tasks of 64 bytes from Send on one bus over tcp to a worker on another one, and waits until all of them are
// acknowledged.
func BenchmarkAcknowledged(b *testing.B) {
	for _, prefetch := range []int{0, 256, 1024} {
		b.Run(fmt.Sprintf("prefetch=%d", prefetch), func(b *testing.B) {
			here, tr := join(b, &zmq.Options{Push: zmq.Bind(anyPort)})
			there, _ := join(b, &zmq.Options{Pull: zmq.Connect(tr.Bound().Push...)})
			benchmark(b, here, there, &pipeline.Options{Prefetch: prefetch})
		})
	}
}

// BenchmarkInProcess is the same on one bus without a transport.
func BenchmarkInProcess(b *testing.B) {
	here := bustest.New(b)
	benchmark(b, here, here, nil)
}

func benchmark(b *testing.B, here, there *bus.Bus, o *pipeline.Options) {
	handled := 0
	newWorker(b, there, blobs, func(context.Context, []byte) error {
		handled++
		return nil
	}, o)
	p := newProducer(b, here, blobs, nil)
	ctx := b.Context()
	if err := p.WaitWorkers(ctx, 1); err != nil {
		b.Fatal(err)
	}
	value := make([]byte, 64)
	b.SetBytes(64)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := p.Send(ctx, value); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Wait(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if handled != b.N {
		b.Fatalf("%d of %d handled", handled, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
