package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Three servers, of which one after the other is killed and started again, while twenty goroutines ask. Every reply is that to the request, and
// every request ends with one, or with a timeout.
func TestStorm(t *testing.T) {
	t.Parallel()
	const goroutines = 20
	var servers []*child
	var at []string
	for _, endpoint := range []string{interop.AnyPort, interop.AnyPort, interop.IPC(t)} {
		c := start(t, spec{Role: "server", Bind: []string{endpoint}})
		servers, at = append(servers, c), append(at, c.endpoint())
	}
	b, tr := interop.Join(t, &zmq.Options{Request: zmq.Connect(at...)})
	cl := newClient(t, b, interop.Patience, 3)
	if err := cl.WaitServers(interop.Patient(t), len(servers)); err != nil {
		t.Fatal(err)
	}

	over, end := context.WithTimeout(t.Context(), stormFor)
	defer end()
	var replies, timeouts atomic.Uint64
	var asking sync.WaitGroup
	for g := range goroutines {
		asking.Go(func() {
			for n := 0; over.Err() == nil; n++ {
				text := fmt.Sprint(g, ": ", n)
				switch got, err := cl.Do(context.Background(), question{Text: text}); {
				case err == nil && got.Text == "re: "+text:
					replies.Add(1)
				case errors.Is(err, request.ErrTimeout):
					timeouts.Add(1)
				default:
					t.Errorf("asked %q, got %+v, %v", text, got, err)
					end()
				}
			}
		})
	}
	kills := 0
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for over.Err() == nil {
		select {
		case <-over.Done():
		case <-tick.C:
			victim := servers[kills%len(servers)]
			victim.Kill()
			victim.again()
			kills++
		}
	}
	asking.Wait()
	s := cl.Stats()
	t.Logf("%d kills, %d replies, %d timeouts, %d connections lost under a request, %d late replies",
		kills, replies.Load(), timeouts.Load(), s.Lost, tr.Stats().LateReplies)
	if s.Succeeded != replies.Load() || s.Failed != timeouts.Load() || s.Running != 0 {
		t.Errorf("%+v", s)
	}
	if s.Lost == 0 || timeouts.Load() > s.Lost {
		t.Errorf("%d timeouts, %d connections lost under a request", timeouts.Load(), s.Lost)
	}
}
