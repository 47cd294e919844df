package interop_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// say is a call whose requests and replies are text.
var say = request.NewCall[string, string]("interop.say").WithCodec(codec.String)

// newAsker returns a client that has so many attempts.
func newAsker(t *testing.T, b *bus.Bus, attempts int) *request.Client[string, string] {
	t.Helper()
	cl, err := request.NewClient(b, say, &request.Options{Timeout: interop.Patience, Attempts: attempts})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// answer serves requests without the name of a call.
func answer(t *testing.T, b *bus.Bus, handler func(ctx context.Context, text string) (string, error)) *request.Server {
	t.Helper()
	srv, err := request.Serve(b, say, handler, &request.ServeOptions{Default: true})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

// stats closes the server and returns its counters, which follow the replies.
func stats(t *testing.T, srv *request.Server) request.ServerStats {
	t.Helper()
	_ = srv.Close()
	select {
	case <-srv.Done():
	case <-interop.Patient(t).Done():
		t.Fatal("the server does not end")
	}
	return srv.Stats()
}

// re is a handler that answers with the request.
func re(_ context.Context, text string) (string, error) { return "re: " + text, nil }

// ask begins a request. Its outcome is for replied.
func ask(cl *request.Client[string, string], text string) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		reply, err := cl.Do(context.Background(), text)
		done <- outcome{reply, err}
	}()
	return done
}

type outcome struct {
	reply string
	err   error
}

func replied(t *testing.T, done <-chan outcome, want string) {
	t.Helper()
	if got := interop.Next(t, done); got.reply != want || got.err != nil {
		t.Fatalf("%q, %v, want %q", got.reply, got.err, want)
	}
}

// line compares the next line of a program.
func line(t *testing.T, p *interop.Process, want string) {
	t.Helper()
	if got := p.Line(); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
}

// Our client asks a REP, whichever side binds.
func TestAskREP(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, b *bus.Bus, python *interop.Process) {
		cl := newAsker(t, b, 1)
		for range 20 {
			replied(t, ask(cl, "A message"), "new message")
			line(t, python, "A message")
		}
		if s := cl.Stats(); s.Attempts != 20 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	}
	t.Run("REP binds", func(t *testing.T) {
		t.Parallel()
		interop.OverEach(t, func(t *testing.T, endpoint string) {
			python := interop.Python(t, "reply.py", "bind", endpoint)
			b, _ := join(t, zmq.Options{Request: zmq.Connect(python.Ready()...)})
			check(t, b, python)
		})
	})
	t.Run("client binds", func(t *testing.T) {
		t.Parallel()
		interop.OverEach(t, func(t *testing.T, endpoint string) {
			b, tr := join(t, zmq.Options{Request: zmq.Bind(endpoint)})
			python := interop.Python(t, "reply.py", "connect", tr.Bound().Request[0])
			python.Ready()
			check(t, b, python)
		})
	})
}

// A REQ asks our server, whichever side binds.
func TestServeREQ(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, srv *request.Server, python *interop.Process) {
		for range 20 {
			line(t, python, "re: A message")
		}
		if s := stats(t, srv); s.Requests != 20 || s.Failed+s.Refused+s.Expired != 0 {
			t.Errorf("%+v", s)
		}
	}
	t.Run("server binds", func(t *testing.T) {
		t.Parallel()
		interop.OverEach(t, func(t *testing.T, endpoint string) {
			b, tr := join(t, zmq.Options{Serve: zmq.Bind(endpoint)})
			python := interop.Python(t, "ask.py", "connect", tr.Bound().Serve[0], "20")
			python.Ready()
			check(t, answer(t, b, re), python)
		})
	})
	t.Run("REQ binds", func(t *testing.T) {
		t.Parallel()
		interop.OverEach(t, func(t *testing.T, endpoint string) {
			python := interop.Python(t, "ask.py", "bind", endpoint, "20")
			b, _ := join(t, zmq.Options{Serve: zmq.Connect(python.Ready()...)})
			check(t, answer(t, b, re), python)
		})
	})
}

// A REP is killed with a request in hand. The client gets its reply from the REP that is started where that was, or the news.
func TestREPKilled(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		rep := interop.Python(t, "reply.py", "bind", endpoint, "hang")
		at := rep.Ready()[0]
		b, tr := join(t, zmq.Options{Request: zmq.Connect(at)})
		stubborn, once := newAsker(t, b, 3), newAsker(t, b, 1)
		again := ask(stubborn, "A message")
		line(t, rep, "A message")
		lost := ask(once, "never again") // a REP reads one at a time: this waits in its socket
		rep.Kill()
		var none *request.NoReplyError
		if got := interop.Next(t, lost); !errors.Is(got.err, request.ErrTimeout) || !errors.As(got.err, &none) || none.Attempts != 1 || none.Lost != 1 {
			t.Errorf("%q, %v", got.reply, got.err)
		}

		rep.Restart("bind", at)
		rep.Ready()
		replied(t, again, "new message")
		line(t, rep, "A message")
		replied(t, ask(once, "still here"), "new message")
		line(t, rep, "still here")
		if s := stubborn.Stats(); s.Attempts != 2 || s.Lost != 1 {
			t.Errorf("%+v", s)
		}
		if s := tr.Stats(); s.LateReplies != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A REQ is killed while its request is handled. The handler's context ends, and the server serves the next one.
func TestREQKilled(t *testing.T) {
	t.Parallel()
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		b, tr := join(t, zmq.Options{Serve: zmq.Bind(endpoint)})
		begun, ended := make(chan string, 1), make(chan error, 1)
		var first sync.Once
		srv := answer(t, b, func(ctx context.Context, text string) (string, error) {
			first.Do(func() {
				begun <- text
				<-ctx.Done()
				ended <- ctx.Err()
			})
			return re(ctx, text)
		})
		python := interop.Python(t, "ask.py", "connect", tr.Bound().Serve[0], "1")
		if got := interop.Next(t, begun); got != "A message" {
			t.Errorf("%q", got)
		}
		python.Kill()
		if err := interop.Next(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		python.Restart()
		python.Ready()
		line(t, python, "re: A message")
		if s := stats(t, srv); s.Requests != 2 || s.Succeeded != 2 {
			t.Errorf("%+v", s)
		}
		if s := tr.Stats(); s.RepliesDropped != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A REQ always gets an answer, so that it may ask again: also when the handler fails, and when nobody serves what has no name.
func TestREQIsAnsweredInFailure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options *request.ServeOptions
		want    string
	}{
		"empty frame": {&request.ServeOptions{Default: true}, ""},
		"plain error": {&request.ServeOptions{Default: true, PlainError: []byte("failed")}, "failed"},
		"no default":  {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, tr := join(t, zmq.Options{Serve: zmq.Bind(interop.AnyPort)})
			if _, err := request.Serve(b, say, func(context.Context, string) (string, error) { panic("oh") }, tc.options); err != nil {
				t.Fatal(err)
			}
			python := interop.Python(t, "ask.py", "connect", tr.Bound().Serve[0], "3")
			python.Ready()
			for range 3 {
				line(t, python, tc.want)
			}
		})
	}
}

// Many REQs and DEALERs, with a delimiter and without, ask at once while ours do. Each gets its own replies and no others.
func TestManyClients(t *testing.T) {
	t.Parallel()
	const sockets, times = 10, 50
	interop.OverEach(t, func(t *testing.T, endpoint string) {
		b, tr := join(t, zmq.Options{Serve: zmq.Bind(endpoint)})
		srv := answer(t, b, re)
		var crowds []*interop.Process
		for range 2 {
			crowds = append(crowds, interop.Python(t, "crowd.py", tr.Bound().Serve[0], fmt.Sprint(sockets), fmt.Sprint(times), "req", "dealer", "bare"))
		}
		ours, _ := join(t, zmq.Options{Request: zmq.Connect(tr.Bound().Serve...)})
		askMany(t, newAsker(t, ours, 1), sockets, times)
		for _, python := range crowds {
			line(t, python, fmt.Sprint("done ", 3*sockets*times))
		}
		if s := stats(t, srv); s.Requests != 7*sockets*times || s.Succeeded != s.Requests {
			t.Errorf("%+v", s)
		}
	})
}

// askMany asks from several goroutines, each several times, and wants each one's own reply.
func askMany(t *testing.T, cl *request.Client[string, string], goroutines, times int) {
	t.Helper()
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for n := range times {
				text := fmt.Sprintf("ours %d: %d", g, n)
				if got, err := cl.Do(context.Background(), text); got != "re: "+text || err != nil {
					t.Errorf("asked %q, got %q, %v", text, got, err)
				}
			}
		})
	}
	all.Wait()
}

// proxied starts libzmq's proxy, and returns where clients and where servers connect to.
func proxied(t *testing.T) (clients, servers string) {
	t.Helper()
	at := interop.Python(t, "proxy.py", interop.AnyPort, interop.AnyPort).Ready()
	return at[0], at[1]
}

// Two of our servers stand behind libzmq's proxy, our clients and many others before it. (A DEALER that sends no delimiter gets no reply
// through a ROUTER: nothing tells where the way back ends and the request begins.)
func TestThroughProxy(t *testing.T) {
	t.Parallel()
	const sockets, times = 5, 20
	clients, servers := proxied(t)
	var both []*request.Server
	for range 2 {
		b, _ := join(t, zmq.Options{Serve: zmq.Connect(servers)})
		both = append(both, answer(t, b, re))
	}
	python := interop.Python(t, "crowd.py", clients, fmt.Sprint(sockets), fmt.Sprint(times), "req", "dealer")
	b, _ := join(t, zmq.Options{Request: zmq.Connect(clients)})
	askMany(t, newAsker(t, b, 1), sockets, times)
	line(t, python, fmt.Sprint("done ", 2*sockets*times))
	var total uint64
	for _, srv := range both {
		s := stats(t, srv)
		if total += s.Succeeded; s.Succeeded == 0 || s.Succeeded != s.Requests {
			t.Errorf("%+v", s)
		}
	}
	if total != 3*sockets*times {
		t.Errorf("%d requests", total)
	}
}

// A REP behind libzmq's proxy is killed with a request in hand. No connection of the client ends; the next attempt goes to a REP that
// lives.
func TestREPKilledBehindProxy(t *testing.T) {
	t.Parallel()
	clients, servers := proxied(t)
	first := interop.Python(t, "reply.py", "connect", servers, "hang")
	b, tr := join(t, zmq.Options{Request: zmq.Connect(clients)})
	cl, err := request.NewClient(b, say, &request.Options{Timeout: interop.Patience, Attempts: 100})
	if err != nil {
		t.Fatal(err)
	}
	done := ask(cl, "A message")
	first.Ready()
	line(t, first, "A message")
	first.Kill()
	second := interop.Python(t, "reply.py", "connect", servers)
	second.Ready()
	replied(t, done, "new message")
	line(t, second, "A message")
	if s := cl.Stats(); s.Attempts < 2 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	if s := tr.Stats(); s.BadPeers != 0 {
		t.Errorf("%+v", s)
	}
}

// A request and its reply are as long as they are, in one frame or more.
func TestRequestSizes(t *testing.T) {
	t.Parallel()
	python := interop.Socket(t, interop.Spec{Type: "REP", Bind: []string{interop.AnyPort}, Echo: true})
	b, _ := join(t, zmq.Options{Request: zmq.Connect(python.Ready()...)})
	cl := newAsker(t, b, 1)
	for _, size := range sizes {
		text := strings.Repeat("a", size)
		replied(t, ask(cl, text), text)
	}
}
