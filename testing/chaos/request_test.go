package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/testing/network"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// A client dies with many requests under way. Their handlers' contexts end, and the server serves on.
func TestClientDies(t *testing.T) {
	t.Parallel()
	const underway = 50
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		b, tr := interop.Join(t, &zmq.Options{Serve: zmq.Bind(endpoint)})
		begun, ended := make(chan string, underway), make(chan error, underway)
		srv, err := request.Serve(b, mortal, func(ctx context.Context, q question) (answer, error) {
			if q.Hold {
				begun <- q.Text
				<-ctx.Done()
				ended <- ctx.Err()
			}
			return answer{Text: "re: " + q.Text}, nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := start(t, spec{Role: "client", Connect: tr.Bound().Serve})
		c.Tell(fmt.Sprint("hold ", underway))
		for range underway {
			interop.Next(t, begun)
		}
		here, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(tr.Bound().Serve...)})
		cl := newClient(t, here, forEver, 1)
		replied(t, ask(t, cl, question{Text: "before"}), "before", nil)
		c.Kill()
		for range underway {
			if err := interop.Next(t, ended); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
		replied(t, ask(t, cl, question{Text: "after"}), "after", nil)
		_ = srv.Close()
		<-srv.Done()
		if s := srv.Stats(); s.Requests != underway+2 || s.Succeeded != s.Requests {
			t.Errorf("%+v", s)
		}
		if s := tr.Stats(); s.RepliesDropped != underway {
			t.Errorf("%+v", s)
		}
	})
}

// A server dies with one request in its handler and another one in its queue. The one that is started where it was answers both.
func TestServerDiesBeforeHandling(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		server, b, tr := serving(t, spec{Bind: []string{endpoint}, Workers: 1})
		cl := newClient(t, b, forEver, 2)
		one := ask(t, cl, question{Text: "one", Hold: true})
		server.says("begun one")
		two := ask(t, cl, question{Text: "two"})
		server.Tell("queued 1")
		server.says("queued 1")
		server.Kill()
		server.again()
		server.says("begun one")
		server.Tell("go 1")
		replied(t, one, "one", server)
		replied(t, two, "two", server)
		if s := cl.Stats(); s.Attempts != 4 || s.Lost != 2 {
			t.Errorf("%+v", s)
		}
		if s := tr.Stats(); s.LateReplies != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A server dies while it handles. The one that is started where it was answers.
func TestServerDiesWhileHandling(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		server, b, _ := serving(t, spec{Bind: []string{endpoint}})
		cl := newClient(t, b, forEver, 2)
		done := ask(t, cl, question{Text: "one", Hold: true})
		server.says("begun one")
		server.Kill()
		server.again()
		server.says("begun one")
		server.Tell("go 1")
		replied(t, done, "one", server)
		replied(t, ask(t, cl, question{Text: "two"}), "two", server)
	})
}

// A server dies while it handles, and another one is there: it is asked at once.
func TestAnotherServerAnswers(t *testing.T) {
	t.Parallel()
	other := interop.IPC(t)
	first := start(t, spec{Role: "server", Bind: []string{interop.AnyPort}})
	b, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(first.endpoint(), other)})
	cl := newClient(t, b, forEver, 2)
	done := ask(t, cl, question{Text: "one", Hold: true})
	first.says("begun one")
	second := start(t, spec{Role: "server", Bind: []string{other}})
	if err := cl.WaitServers(interop.Patient(t), 2); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	second.says("begun one")
	second.Tell("go 1")
	replied(t, done, "one", second)
}

// A server dies after it has handled, and its reply with it, which had not got through. The next one handles the request again, and the
// client has one reply.
func TestServerDiesAfterHandling(t *testing.T) {
	t.Parallel()
	server := start(t, spec{Role: "server", Bind: []string{interop.AnyPort}})
	way := network.NewLink(t, server.endpoint())
	b, tr := interop.Join(t, &zmq.Options{Request: zmq.Connect(way.Endpoint())})
	cl := newClient(t, b, forEver, 2)
	done := ask(t, cl, question{Text: "one", Hold: true})
	server.says("begun one")
	way.Silence()
	server.Tell("go 1")
	server.Tell("succeeded 1")
	server.says("succeeded 1")
	server.Kill()
	way.Reset()
	server.again()
	way.Heal()
	server.says("begun one")
	server.Tell("go 1")
	replied(t, done, "one", server)
	replied(t, ask(t, cl, question{Text: "two"}), "two", server)
	if s := tr.Stats(); s.LateReplies != 0 {
		t.Errorf("%+v", s)
	}
}

// With one attempt a request whose server dies is over at once: whether it was handled is not known.
func TestOneAttempt(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		server, b, _ := serving(t, spec{Bind: []string{endpoint}})
		cl := newClient(t, b, forEver, 1)
		done := ask(t, cl, question{Text: "one", Hold: true})
		server.says("begun one")
		server.Kill()
		var none *request.NoReplyError
		if got := interop.Next(t, done); !errors.Is(got.err, request.ErrTimeout) || !errors.As(got.err, &none) || none.Attempts != 1 || none.Lost != 1 {
			t.Errorf("%+v, %v", got.reply, got.err)
		}
		server.again()
		replied(t, ask(t, cl, question{Text: "two"}), "two", server)
	})
}

// A server dies for good. Its client has heard of it, so the request may have been handled: that is a timeout, with where a server is missing.
func TestServerDiesForGood(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		only, b, _ := serving(t, spec{Bind: []string{endpoint}})
		cl := newClient(t, b, 2*time.Second, 3)
		done := ask(t, cl, question{Text: "one", Hold: true})
		only.says("begun one")
		only.Kill()
		var none *request.NoReplyError
		got := interop.Next(t, done)
		if !errors.Is(got.err, request.ErrTimeout) || !errors.As(got.err, &none) || none.Attempts != 1 || none.Lost != 1 || len(none.Missing) != 1 {
			t.Errorf("%+v, %v", got.reply, got.err)
		}
	})
}

// Nobody was there at any time: then nobody has handled the request, and the client knows.
func TestNoServer(t *testing.T) {
	t.Parallel()
	gone := start(t, spec{Role: "server", Bind: []string{interop.AnyPort}})
	gone.Kill()
	b, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(gone.endpoint(), interop.IPC(t))})
	cl := newClient(t, b, 300*time.Millisecond, 3)
	began := time.Now()
	_, err := cl.Do(interop.Patient(t), question{Text: "one"})
	var none *request.NoReplyError
	if !errors.Is(err, request.ErrNoServer) || errors.Is(err, request.ErrTimeout) || !errors.As(err, &none) || none.Attempts != 0 || len(none.Missing) != 2 {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("after %v a server could still have come", took)
	}
	gone.again()
	replied(t, ask(t, newClient(t, b, forEver, 1), question{Text: "two"}), "two", nil)
}

// The connection is cut while a handler runs that must not run twice. The attempt that follows gets the reply of the first run, or waits for it.
func TestIdempotentOverCut(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]bool{"while it runs": true, "after it has run": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there, tr := interop.Join(t, &zmq.Options{Serve: zmq.Bind(interop.AnyPort)})
			begun, goOn := make(chan string, 8), make(chan struct{}, 8)
			var runs atomic.Int64
			srv, err := request.Serve(there, mortal, func(ctx context.Context, q question) (answer, error) {
				run := runs.Add(1)
				begun <- q.Text
				select {
				case <-goOn:
				case <-ctx.Done():
				}
				return answer{Text: fmt.Sprintf("re: %s, run %d", q.Text, run)}, ctx.Err()
			}, &request.ServeOptions{Idempotent: request.Idempotent(100)})
			if err != nil {
				t.Fatal(err)
			}
			way := network.NewLink(t, tr.Bound().Serve[0])
			b, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(way.Endpoint())})
			cl := newClient(t, b, forEver, 3)
			done := ask(t, cl, question{Text: "one"})
			interop.Next(t, begun)
			if during {
				way.Reset()
				way.Heal()
				if !eventually(func() bool { return srv.Stats().Repeated == 1 }) {
					t.Fatal("there was no second attempt")
				}
				goOn <- struct{}{}
			} else {
				way.Silence()
				goOn <- struct{}{}
				if !eventually(func() bool { return srv.Stats().Succeeded == 1 }) {
					t.Fatal("the handler does not end")
				}
				way.Reset()
				way.Heal()
			}
			replied(t, done, "one, run 1", nil)
			goOn <- struct{}{}
			replied(t, ask(t, cl, question{Text: "two"}), "two, run 2", nil)
			if s := cl.Stats(); s.Attempts != 3 || s.Lost != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Several servers share the requests. When one of them dies, what it had goes to the others at once, and nobody waits for it.
func TestServersShare(t *testing.T) {
	t.Parallel()
	const servers, each = 3, 20
	var all []*child
	var at []string
	for range servers {
		all = append(all, start(t, spec{Role: "server", Bind: []string{interop.AnyPort}}))
		at = append(at, all[len(all)-1].endpoint())
	}
	b, _ := interop.Join(t, &zmq.Options{Request: zmq.Connect(at...)})
	cl := newClient(t, b, forEver, 2)
	if err := cl.WaitServers(interop.Patient(t), servers); err != nil {
		t.Fatal(err)
	}
	var done []<-chan outcome
	for i := range servers * each {
		done = append(done, ask(t, cl, question{Text: fmt.Sprint(i), Hold: true}))
	}
	for _, c := range all {
		for range each { // each has its share, exactly: it goes to who has the least
			c.Line()
		}
	}
	all[0].Kill()
	for range each / 2 {
		all[1].Line()
		all[2].Line()
	}
	for _, c := range all[1:] {
		c.Tell(fmt.Sprint("go ", each+each/2))
	}
	by := map[int]int{}
	for i, d := range done {
		got := interop.Next(t, d)
		if got.err != nil || got.reply.Text != fmt.Sprint("re: ", i) {
			t.Fatalf("%d: %+v, %v", i, got.reply, got.err)
		}
		by[got.reply.Server]++
	}
	for _, c := range all[1:] {
		if by[c.PID()] != each+each/2 {
			t.Errorf("%v", by)
		}
	}
	if s := cl.Stats(); s.Attempts != servers*each+each || s.Lost != each {
		t.Errorf("%+v", s)
	}
}

// A client gives up, and the server answers after that. The reply is counted, and no later request gets it.
func TestLateReply(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		c, b, tr := serving(t, spec{Bind: []string{endpoint}})
		hasty, cl := newClient(t, b, 100*time.Millisecond, 1), newClient(t, b, forEver, 1)
		if err := cl.WaitServers(interop.Patient(t), 1); err != nil {
			t.Fatal(err)
		}
		const given = 5
		for i := range given {
			if got, err := hasty.Do(interop.Patient(t), question{Text: fmt.Sprint("late ", i), Hold: true, Deaf: true}); !errors.Is(err, request.ErrTimeout) {
				t.Fatalf("%+v, %v", got, err)
			}
			c.says(fmt.Sprint("begun late ", i))
		}
		var later []<-chan outcome
		for i := range 2 * given {
			later = append(later, ask(t, cl, question{Text: fmt.Sprint("later ", i), Hold: true}))
		}
		for range later {
			c.Line()
		}
		c.Tell(fmt.Sprint("go ", 3*given))
		for i, done := range later {
			replied(t, done, fmt.Sprint("later ", i), c)
		}
		if !eventually(func() bool { return tr.Stats().LateReplies == given }) {
			t.Errorf("%+v", tr.Stats())
		}
	})
}

// Cancelling the context of a request ends that of its handler, and no other one's.
func TestCancel(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		c, b, _ := serving(t, spec{Bind: []string{endpoint}})
		cl := newClient(t, b, forEver, 3)
		other := ask(t, cl, question{Text: "other", Hold: true})
		c.says("begun other")
		ctx, cancel := context.WithCancel(t.Context()) // without a deadline, which would end the handler as well
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := cl.Do(ctx, question{Text: "mine", Hold: true})
			ended <- err
		}()
		c.says("begun mine")
		cancel()
		if err := interop.Next(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		c.says("abandoned mine")
		c.Tell("go 1")
		replied(t, other, "other", c)
	})
}

// The deadline of a request ends its handler, too.
func TestDeadline(t *testing.T) {
	t.Parallel()
	c, b, _ := serving(t, spec{Bind: []string{interop.AnyPort}})
	cl := newClient(t, b, 500*time.Millisecond, 1)
	if _, err := cl.Do(interop.Patient(t), question{Text: "one", Hold: true}); !errors.Is(err, request.ErrTimeout) {
		t.Errorf("%v", err)
	}
	lines := []string{c.Line(), c.Line()}
	if want := []string{"begun one", "abandoned one"}; !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
}
