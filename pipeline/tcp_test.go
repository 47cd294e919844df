package pipeline_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
)

const anyPort = "tcp://127.0.0.1:0"

// limit bounds a test over real sockets that would otherwise hang. No test waits for it to pass.
const limit = 30 * time.Second

// join returns a bus on a transport with these options.
func join(t testing.TB, o *zmq.Options) (*bus.Bus, *zmq.Transport) {
	t.Helper()
	tr, err := zmq.New(o)
	if err != nil {
		t.Fatal(err)
	}
	options := &bus.Options{Transport: tr}
	if _, measures := t.(*testing.B); measures {
		options.Logger = new(zerolog.Nop())
	}
	return bustest.New(t, options), tr
}

// overEach runs a test over every kind of endpoint.
func overEach(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	t.Parallel()
	for name, endpoint := range map[string]string{
		"tcp":    anyPort,
		"ipc":    "ipc://" + filepath.Join(t.TempDir(), "s"),
		"inproc": "inproc://" + t.Name(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, endpoint)
		})
	}
}

// Tasks of one process are handled in two others, each once when nobody fails, and the dead letter comes back.
func TestBetweenProcesses(t *testing.T) {
	overEach(t, func(t *testing.T, endpoint string) {
		here, tr := join(t, &zmq.Options{Push: zmq.Bind(endpoint)})
		p := newProducer(t, here, numbers, nil)
		var mu sync.Mutex
		seen := map[int]int{}
		for range 2 {
			there, _ := join(t, &zmq.Options{Pull: zmq.Connect(tr.Bound().Push...)})
			newWorker(t, there, numbers, func(_ context.Context, n int) error {
				mu.Lock()
				defer mu.Unlock()
				if seen[n]++; n == 13 {
					return pipeline.DeadLetter(errors.New("unlucky"))
				}
				return nil
			}, nil)
		}
		if err := p.WaitWorkers(within(t, limit), 2); err != nil {
			t.Fatal(err)
		}
		var letters log[int]
		newWorker(t, here, pipeline.NewTask[int]("numbers.dead"), func(_ context.Context, n int) error {
			letters.add(n)
			return nil
		}, nil)
		const n = 10_000
		for i := range n {
			send(t, p, i)
		}
		var dead *pipeline.DeadLetterError
		if err := p.Wait(within(t, limit)); !errors.As(err, &dead) || dead.N != 1 || dead.Reason != "unlucky" {
			t.Fatalf("Wait: %v, %+v", err, p.Stats())
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range n {
			if seen[i] != 1 {
				t.Errorf("%d was handled %d times", i, seen[i])
			}
		}
		if s := p.Stats(); s.Acknowledged != n-1 || s.DeadLetters != 1 || s.Unknown != 0 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
		if err := here.Shutdown(within(t, limit)); err != nil {
			t.Error(err)
		}
		if len(letters.all()) != 1 {
			t.Errorf("dead letters %v", letters.all())
		}
	})
}
