package memory_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// service is a server that keeps its requests.
type service chan transport.Request

func (s service) Request(r transport.Request) { s <- r }

func serve(t testing.TB, tr transport.Requester) service {
	t.Helper()
	s := make(service, 2000)
	if err := tr.Serve(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// arrived returns the requests that are there.
func (s service) arrived() (all []transport.Request) {
	synctest.Wait()
	for len(s) > 0 {
		all = append(all, <-s)
	}
	return all
}

// one returns the only request that is there.
func (s service) one(t testing.TB) transport.Request {
	t.Helper()
	all := s.arrived()
	if len(all) != 1 {
		t.Fatalf("%d requests, want 1", len(all))
	}
	return all[0]
}

// question is an exchange, with the channel that tells of its answers.
type question struct {
	transport.Exchange
	woken chan struct{}
}

func ask(t testing.TB, tr transport.Requester) question {
	t.Helper()
	woken := make(chan struct{}, 1)
	e, err := tr.Exchange(woken)
	if err != nil {
		t.Fatal(err)
	}
	return question{e, woken}
}

func (q question) send(t testing.TB, m *transport.Message) {
	t.Helper()
	if err := q.Send(m); err != nil {
		t.Fatal(err)
	}
}

// outcome returns the answers that are there: payloads, and errors.
func (q question) outcome() (all []string) {
	synctest.Wait()
	select {
	case <-q.woken:
	default:
		return nil
	}
	for a, ok := q.Take(); ok; a, ok = q.Take() {
		if a.Err != nil {
			all = append(all, a.Err.Error())
		} else {
			all = append(all, text(a.Message))
		}
	}
	return all
}

func (q question) want(t testing.TB, want ...string) {
	t.Helper()
	if got := q.outcome(); !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
}

func reply(t testing.TB, r transport.Request, payload string) {
	t.Helper()
	if err := r.Reply(numbered("call", 1, payload)); err != nil {
		t.Fatal(err)
	}
}

func TestRequestAndReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		requests := serve(t, all[1])
		for i, plain := range []bool{false, true} {
			e := ask(t, all[0])
			if e.ID() != uint64(i+1) {
				t.Errorf("the number is %d", e.ID())
			}
			m := numbered("call", 7, "question", "")
			m.Plain = plain
			e.send(t, m)
			clear(m.Payload[0])
			r := requests.one(t)
			got := r.Message()
			if text(*got) != "question|" || (got.Topic == "") != plain || (got.Envelope == nil) != plain {
				t.Errorf("plain %t: %+v", plain, got)
			}
			if r.Client().Address != "memory #1" || r.Arrived().IsZero() {
				t.Errorf("from %+v at %v", r.Client(), r.Arrived())
			}
			answer := numbered("call", 8, "answer", "")
			if err := r.Reply(answer); err != nil {
				t.Error(err)
			}
			clear(answer.Payload[0])
			synctest.Wait()
			<-e.woken
			a, ok := e.Take()
			if !ok || a.Err != nil || text(a.Message) != "answer|" || (a.Message.Topic == "") != plain || (a.Message.Envelope == nil) != plain {
				t.Errorf("plain %t: %+v", plain, a)
			}
			if _, more := e.Take(); more {
				t.Error("a second answer")
			}
			e.End(nil)
		}
	})
}

// Servers that were not asked come first, and of those the one with the fewest requests under way.
func TestChoiceOfServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		client, services := all[0], []service{serve(t, all[1]), serve(t, all[2])}
		if n := client.Servers(); n != 2 || client.Unserved() != nil {
			t.Errorf("%d servers, unserved %q", n, client.Unserved())
		}
		first := ask(t, client)
		for unasked := 2; unasked > 0; unasked-- {
			if n := first.Unasked(); n != unasked {
				t.Errorf("%d unasked, want %d", n, unasked)
			}
			first.send(t, message("call", "each"))
		}
		busy := services[0].one(t)
		reply(t, services[1].one(t), "done")
		for range 2 { // the second server has less to do, then as much, but its turn was later
			ask(t, client).send(t, message("call", "idle"))
		}
		if a, b := services[0].arrived(), services[1].arrived(); len(a) != 1 || len(b) != 1 {
			t.Errorf("%d at the first, %d at the second", len(a), len(b))
		}
		reply(t, busy, "late")
		first.send(t, message("call", "again")) // all were asked
		if n := first.Unasked(); n != 0 {
			t.Errorf("%d unasked", n)
		}
		first.want(t, "done", "late")
	})
}

// Nothing is read before there is a server, and there is one at most. A peer without one is asked when others have more to do.
func TestServe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		client := all[0]
		requests := serve(t, all[2])
		for range 3 {
			e := ask(t, client)
			e.send(t, message("call", "answered at once"))
			reply(t, requests.one(t), "x")
			e.End(nil)
		}
		ask(t, client).send(t, message("call", "busy"))
		early := ask(t, client)
		early.send(t, message("call", "early"))
		if n := len(requests.arrived()); n != 1 {
			t.Errorf("%d requests", n)
		}
		late := serve(t, all[1])
		reply(t, late.one(t), "here")
		early.want(t, "here")
		var used *transport.InUseError
		if err := all[1].Serve(requests); !errors.As(err, &used) || used.What != "Serve" {
			t.Errorf("%v", err)
		}
	})
}

func TestNoServerAndNoRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(&memory.Options{HWM: 2})
		client := joinTo(t, network)
		e := ask(t, client)
		if err := e.Send(message("call", "x")); err != transport.ErrNoPeer {
			t.Errorf("%v", err)
		}
		changed := client.Changed()
		server := joinTo(t, network)
		if !closed(changed) || client.Servers() != 1 {
			t.Error("nobody has told of the server")
		}
		e.send(t, message("call", "1"))
		e.send(t, message("call", "2"))
		if err := e.Send(message("call", "3")); err != transport.ErrFull {
			t.Errorf("%v", err)
		}
		changed = client.Changed()
		requests := serve(t, server)
		synctest.Wait()
		if !closed(changed) || len(requests.arrived()) != 2 {
			t.Error("nobody has told of the room")
		}
		e.send(t, message("call", "3"))
		var limit *memory.LimitError
		if err := e.Send(message("call")); !errors.As(err, &limit) {
			t.Errorf("%v", err)
		}
	})
}

// gated is a service that waits with requests of one client.
type gated struct {
	service
	client  string
	release chan struct{}
}

func (g gated) Request(r transport.Request) {
	g.service.Request(r)
	if r.Client().Address == g.client {
		<-g.release
	}
}

// While a server waits in Request nothing more is read from that client, but from others.
func TestServerHoldsBackOneClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		g := gated{make(service, 10), "memory #2", make(chan struct{})}
		if err := all[0].Serve(g); err != nil {
			t.Fatal(err)
		}
		for _, client := range all[1:] {
			for range 3 {
				e := ask(t, client)
				for e.Unasked() > 0 { // the other client is a peer as well
					e.send(t, message("call", "x"))
				}
			}
		}
		for _, want := range []int{1 + 3, 1, 1, 0} {
			if n := len(g.arrived()); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
			if want > 0 {
				g.release <- struct{}{}
			}
		}
	})
}

// A reply that is outside the limits may be given again.
func TestReplyLimits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		requests := serve(t, all[1])
		e := ask(t, all[0])
		e.send(t, message("call", "x"))
		r := requests.one(t)
		var limit *memory.LimitError
		if err := r.Reply(message("call")); !errors.As(err, &limit) {
			t.Errorf("%v", err)
		}
		reply(t, r, "better")
		e.want(t, "better")
	})
}
