package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Connections are cut while tasks flow, and a worker is closed and another one comes: every task is done at least once, and again only if a
// lost connection had it.
func TestCutsLoseNothing(t *testing.T) {
	t.Parallel()
	const n = 20_000
	here, tr := join(t, &zmq.Options{Push: zmq.Bind(anyPort)})
	p := newProducer(t, here, numbers, &pipeline.ProducerOptions{Attempts: -1})
	var count tally
	cut := make(chan int, 100)
	handle := func(_ context.Context, i int) error {
		if total := count.add(i); total%2000 == 0 {
			select {
			case cut <- total:
			default:
			}
		}
		return nil
	}
	var links []*network.Link
	for range 3 {
		l := network.NewLink(t, tr.Bound().Push[0])
		there, _ := join(t, &zmq.Options{Pull: zmq.Connect(l.Endpoint()), ReconnectInterval: time.Millisecond, ReconnectMax: 10 * time.Millisecond})
		bustest.AllowUndelivered(t, there) // the last cut may be at the end
		newWorker(t, there, numbers, handle, &pipeline.Options{Workers: 2})
		links = append(links, l)
	}
	bustest.AllowUndelivered(t, here)
	local := newWorker(t, here, numbers, handle, nil)
	done := make(chan error, 1)
	go func() {
		for i := range n {
			if err := p.Send(context.Background(), i); err != nil {
				done <- err
				return
			}
		}
		done <- p.Wait(within(t, limit))
	}()
	for {
		select {
		case total := <-cut:
			l := links[total/2000%len(links)]
			l.Reset()
			l.Heal()
			if total > n/2 {
				_ = local.Close()
			}
		case err := <-done:
			if err != nil {
				t.Fatalf("%v: %+v", err, p.Stats())
			}
			s := p.Stats()
			never, again := count.missing(n)
			if never != 0 || uint64(again) > s.Redelivered || s.Acknowledged != n {
				t.Errorf("%d never handled, %d again: %+v", never, again, s)
			}
			balance(t, s)
			return
		}
	}
}

// Stages on three buses, which start in any order, with the collector first: every result comes once.
func TestStagesInAnyOrder(t *testing.T) {
	t.Parallel()
	results := pipeline.NewTask[int]("results")
	collecting, collector := join(t, &zmq.Options{Pull: zmq.Bind(anyPort)})
	const n = 1000
	var got tally
	complete := make(chan struct{})
	newWorker(t, collecting, results, func(_ context.Context, i int) error {
		if got.add(i) == n {
			close(complete)
		}
		return nil
	}, nil)
	at := "ipc://" + t.TempDir() + "/jobs"
	working, _ := join(t, &zmq.Options{Pull: zmq.Connect(at), Push: zmq.Connect(collector.Bound().Pull...)})
	out := newProducer(t, working, results, nil)
	newWorker(t, working, numbers, func(ctx context.Context, i int) error { return out.Send(ctx, i) }, &pipeline.Options{Workers: 4})
	producing, _ := join(t, &zmq.Options{Push: zmq.Bind(at)})
	p := newProducer(t, producing, numbers, nil)
	for i := range n {
		send(t, p, i)
	}
	select {
	case <-complete:
	case <-within(t, limit).Done():
		t.Fatal("not all results came")
	}
	for _, err := range []error{p.Wait(within(t, limit)), out.Wait(within(t, limit)), working.Shutdown(within(t, limit)), producing.Shutdown(within(t, limit)), collecting.Shutdown(within(t, limit))} {
		if err != nil {
			t.Error(err)
		}
	}
	got.once(t, n)
}

// Hostile peers of either kind lose their connection, and the tasks of others are done.
func TestHostilePeers(t *testing.T) {
	t.Parallel()
	here, tr := join(t, &zmq.Options{Push: zmq.Bind(anyPort), Pull: zmq.Bind(anyPort)})
	there, _ := join(t, &zmq.Options{Pull: zmq.Connect(tr.Bound().Push...)})
	p := newProducer(t, here, numbers, nil)
	newWorker(t, here, pipeline.NewTask[int]("foreign"), ignore[int], nil)
	var count tally
	newWorker(t, there, numbers, func(_ context.Context, i int) error {
		count.add(i)
		return nil
	}, nil)
	if err := p.WaitWorkers(within(t, limit), 1); err != nil {
		t.Fatal(err)
	}
	const n = 2000
	sent := make(chan error, 1)
	go func() {
		for i := range n {
			if err := p.Send(context.Background(), i); err != nil {
				sent <- err
				return
			}
		}
		sent <- p.Wait(within(t, limit))
	}()
	for _, attack := range []func(push, pull *rawPeer) *rawPeer{
		func(push, _ *rawPeer) *rawPeer {
			push.Command("FFACK", "\x07numbers")
			return push
		},
		func(push, _ *rawPeer) *rawPeer {
			push.Command("FFNACK", "\x07numbers123")
			return push
		},
		func(push, _ *rawPeer) *rawPeer {
			push.Command("FFCREDIT", "")
			return push
		},
		func(_, pull *rawPeer) *rawPeer {
			pull.task("foreign", 1<<10)
			return pull
		},
		func(_, pull *rawPeer) *rawPeer {
			pull.task("numbers", 1)
			return pull
		},
		func(_, pull *rawPeer) *rawPeer {
			pull.Say(zmtp.AppendMessage(nil, [][]byte{[]byte("plain")}))
			return pull
		},
	} {
		push, pull := rawPeerAt(t, tr.Bound().Push[0], "PULL"), rawPeerAt(t, tr.Bound().Pull[0], "PUSH")
		push.Command("FFACK", "\x07unheard\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff")
		push.Command("FFNACK", "\x07numbers\x7f\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00nonsense")
		for range 100 {
			push.Command("FFCREDIT", "\xff\xff\xff\xffnothing")
		}
		attack(push, pull).ended()
	}
	if err := <-sent; err != nil {
		t.Errorf("%v: %+v", err, p.Stats())
	}
	count.once(t, n)
	_ = here.Close()
	if s := tr.Stats(); s.BadPeers != 6 {
		t.Errorf("%d bad peers, want 6", s.BadPeers)
	}
}

// Plain peers of both kinds take part over a real connection: what one leaves goes to the next, and what they send is handled.
func TestPlainPeersOverTCP(t *testing.T) {
	t.Parallel()
	here, tr := join(t, &zmq.Options{Push: zmq.Bind(anyPort), Pull: zmq.Bind(anyPort)})
	p := newProducer(t, here, numbers, &pipeline.ProducerOptions{Plain: true})
	send(t, p, 1, 2)
	pull := rawPeerAt(t, tr.Bound().Push[0], "PULL", true)
	if got := fmt.Sprint(pull.messages(2)); got != "[1 2]" {
		t.Errorf("got %s", got)
	}
	if err := p.Wait(within(t, limit)); err != nil {
		t.Error(err)
	}
	if s := p.Stats(); s.Handed != 2 {
		t.Errorf("%+v", s)
	}
	push := rawPeerAt(t, tr.Bound().Pull[0], "PUSH", true)
	for i := range 100 {
		push.Say(zmtp.AppendMessage(nil, [][]byte{fmt.Append(nil, i)}))
	}
	var count tally
	all := make(chan struct{})
	newWorker(t, here, pipeline.NewTask[int]("anything"), func(_ context.Context, i int) error {
		if count.add(i) == 100 {
			close(all)
		}
		return nil
	}, &pipeline.Options{Default: true})
	select {
	case <-all:
	case <-within(t, limit).Done():
		t.Error("not all were handled")
	}
}
