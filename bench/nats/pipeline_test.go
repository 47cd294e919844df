package nats_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// prefetch is how many tasks the worker has that it has not acknowledged, at most.
const prefetch = 1024

// BenchmarkPipeline hands out tasks of 64 bytes over tcp to one worker, which acknowledges them. It reports how many are done a second, by
// ours and by a work queue of JetStream in memory, and the ratio.
func BenchmarkPipeline(b *testing.B) {
	const block = 20_000 // tasks of one before it is the other one's turn
	payload := make([]byte, 64)
	rounds := []func(n int) error{tasks(b, payload), workQueue(b, payload)}
	var spent [2]time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; left -= block {
		for i, round := range rounds {
			begin := time.Now()
			if err := round(min(block, left)); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(begin)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/spent[0].Seconds(), "ours-tasks/s")
	b.ReportMetric(float64(b.N)/spent[1].Seconds(), "nats-tasks/s")
	b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ours/nats")
	b.ReportMetric(0, "ns/op") // of both together
}

// tasks returns what has n tasks done by a worker on another bus, and waits until all are acknowledged.
func tasks(b *testing.B, payload []byte) func(n int) error {
	b.Helper()
	task := pipeline.NewTask[[]byte]("bench.tasks").WithCodec(codec.Raw)
	here, tr := join(b, zmq.Options{Push: zmq.Bind("tcp://127.0.0.1:0")})
	there, _ := join(b, zmq.Options{Pull: zmq.Connect(tr.Bound().Push...)})
	handle := func(context.Context, []byte) error { return nil }
	if _, err := pipeline.NewWorker(there, task, handle, &pipeline.Options{Prefetch: prefetch}); err != nil {
		b.Fatal(err)
	}
	p, err := pipeline.NewProducer(here, task, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.WaitWorkers(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	return func(n int) error {
		for range n {
			if err := p.Send(b.Context(), payload); err != nil {
				return err
			}
		}
		return p.Wait(b.Context())
	}
}

// workQueue returns the same with JetStream: what is published is acknowledged by the server, and what is handled by the worker.
func workQueue(b *testing.B, payload []byte) func(n int) error {
	b.Helper()
	url := natsServer(b, server.Options{JetStream: true, StoreDir: b.TempDir()})
	producer, err := jetstream.New(natsConn(b, url), jetstream.WithPublishAsyncMaxPending(4096)) // as the queue of our producer
	if err != nil {
		b.Fatal(err)
	}
	worker, err := jetstream.New(natsConn(b, url))
	if err != nil {
		b.Fatal(err)
	}
	config := jetstream.StreamConfig{Name: "tasks", Subjects: []string{"bench.tasks"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.MemoryStorage}
	if _, err := producer.CreateStream(b.Context(), config); err != nil {
		b.Fatal(err)
	}
	consumer, err := worker.CreateConsumer(b.Context(), "tasks", jetstream.ConsumerConfig{
		Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: prefetch,
	})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, prefetch)
	consuming, err := consumer.Consume(func(m jetstream.Msg) { done <- m.Ack() }, jetstream.PullMaxMessages(prefetch))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		consuming.Stop()
		<-consuming.Closed()
	})
	return func(n int) error {
		sent := make(chan error, 1)
		go func() { // ends before the last task is done
			defer close(sent)
			for range n {
				if _, err := producer.PublishAsync("bench.tasks", payload); err != nil {
					sent <- err
					return
				}
			}
		}()
		for left := n; left > 0; {
			select {
			case err, failed := <-sent:
				if failed {
					return err
				}
				sent = nil // all are sent
			case err := <-done:
				if err != nil {
					return err
				}
				left--
			}
		}
		return nil
	}
}
