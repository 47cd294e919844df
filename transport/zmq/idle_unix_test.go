//go:build unix

package zmq_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// BenchmarkIdle measures the processor time that two buses with a connection between them take when nothing happens, in microseconds a
// second. What is left is the benchmark's own timer, the runtime's, a heartbeat every five seconds, and in the first 10 ms the
// publishing bus's clock.
func BenchmarkIdle(b *testing.B) {
	here, tr := join(b, &zmq.Options{Publish: zmq.Bind(anyPort)})
	there, _ := join(b, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
	events := topic.New[int]("bench.idle")
	pub := newPublisher(b, here, events, nil)
	sub, got := collect(b, there, events)
	awaitReady(b, sub)
	if err := pub.Publish(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	<-got
	var before, after syscall.Rusage
	begin := time.Now()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		time.Sleep(time.Second) // what is measured
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(used)/1e3/time.Since(begin).Seconds(), "µs-cpu/s")
	b.ReportMetric(0, "ns/op")
}
