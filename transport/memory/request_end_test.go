package memory_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// Replies that nobody waits for are counted, and so are those that were to go to somebody who is gone.
func TestLateAndLostReplies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		client, server := all[0], all[1]
		requests := serve(t, server)
		e := ask(t, client)
		e.send(t, message("call", "x"))
		r := requests.one(t)
		e.End(nil)
		reply(t, r, "late")
		if s := client.Stats(); s != (transport.Stats{LateReplies: 1}) {
			t.Errorf("%+v", s)
		}
		if err := r.Reply(message("call", "twice")); err != transport.ErrLost {
			t.Errorf("a second reply: %v", err)
		}
		e = ask(t, client)
		e.send(t, message("call", "x"))
		e.send(t, message("call", "y"))
		both := requests.arrived()
		both[0].Discard()
		both[0].Discard()
		_ = client.Close()
		if err := both[1].Reply(message("call", "x")); err != transport.ErrLost {
			t.Errorf("%v", err)
		}
		if s := server.Stats(); s != (transport.Stats{RepliesDropped: 3}) {
			t.Errorf("%+v", s)
		}
	})
}

// An attempt has one answer at most: a reply, or the loss of its server.
func TestServerEnds(t *testing.T) {
	for name, end := range map[string]func(*memory.Transport, *testing.T) error{
		"close":    func(tr *memory.Transport, _ *testing.T) error { return tr.Close() },
		"shutdown": func(tr *memory.Transport, t *testing.T) error { return tr.Shutdown(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				all := join(t, 2, nil)
				requests := serve(t, all[1])
				e := ask(t, all[0])
				for range 3 {
					e.send(t, message("call", "x"))
				}
				some := requests.arrived()
				reply(t, some[0], "answered")
				var lost []bool
				some[1].OnAbandoned(func(l bool) { lost = append(lost, l) })
				if err := end(all[1], t); err != nil {
					t.Error(err)
				}
				e.want(t, "answered", transport.ErrLost.Error(), transport.ErrLost.Error())
				if !slices.Equal(lost, []bool{true}) {
					t.Errorf("abandoned %v", lost)
				}
				if err := some[2].Reply(message("call", "x")); err != memory.ErrClosed {
					t.Errorf("%v", err)
				}
				if err := e.Send(message("call", "x")); err != transport.ErrNoPeer {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// What a client has asked is still handed on when it leaves, and abandoned.
func TestClientEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		client, server := all[0], all[1]
		requests := serve(t, server)
		e := ask(t, client)
		e.send(t, message("call", "1"))
		first := requests.one(t)
		var lost []bool
		first.OnAbandoned(func(bool) { t.Error("this one was replaced") })
		first.OnAbandoned(func(l bool) { lost = append(lost, l) })
		e.send(t, message("call", "2"))
		if err := client.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		requests.one(t).OnAbandoned(func(l bool) { lost = append(lost, l) })
		if !slices.Equal(lost, []bool{true, true}) {
			t.Errorf("abandoned %v", lost)
		}
		e.want(t, transport.ErrLost.Error(), transport.ErrLost.Error())
		_, late := client.Exchange(e.woken)
		for call, err := range map[string]error{"Exchange": late, "Send": e.Send(message("call", "x")), "Serve": client.Serve(requests)} {
			if err != memory.ErrClosed {
				t.Errorf("%s: %v", call, err)
			}
		}
		e.End(nil)
		if n := client.Servers(); n != 0 {
			t.Errorf("%d servers", n)
		}
	})
}

func TestUnreadRequestsAreLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		e := ask(t, all[0])
		e.send(t, message("call", "nobody reads it"))
		_ = all[1].Close()
		e.want(t, transport.ErrLost.Error())
	})
}

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, nil)
		client, requests := all[0], serve(t, all[1])
		others := serve(t, all[2])
		e := ask(t, client)
		for range 2 {
			e.send(t, message("call", "x"))
		}
		other := ask(t, client)
		other.send(t, message("call", "another one"))
		asked, kept := requests.arrived(), others.one(t)
		r := asked[0]
		var calls []string
		for i, r := range append(asked, kept) {
			r.OnAbandoned(func(lost bool) { calls = append(calls, fmt.Sprint(i, lost)) })
		}
		reply(t, kept, "answered in time")
		e.End(numbered("call", 1)) // which has no payload
		if n := len(others.arrived()); n != 0 {
			t.Errorf("%d words for who has answered", n)
		}
		end := requests.one(t)
		if m := end.Message(); m.Topic != "call" || m.Envelope == nil || text(*m) != "" || len(m.Payload) != 1 {
			t.Errorf("%+v", m)
		}
		end.Cancel()
		if !slices.Equal(calls, []string{"0 false"}) {
			t.Errorf("abandoned: %q", calls)
		}
		late := false
		r.OnAbandoned(func(lost bool) { late = !lost })
		if !late {
			t.Error("who asks later is not told")
		}
		reply(t, r, "all the same")
		if s := client.Stats(); s.LateReplies != 1 {
			t.Errorf("%+v", s)
		}
	})
}
