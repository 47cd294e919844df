package zmq_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Nothing is read before there is a server, and there is one at most.
func TestServeOnce(t *testing.T) {
	t.Parallel()
	server := open(t, &zmq.Options{Serve: zmq.Bind(anyPort)})
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
	e := exchange(t, client)
	attempt(t, e, message("call", "early"))
	requests := make(answering, 1)
	if err := server.Serve(requests); err != nil {
		t.Fatal(err)
	}
	if r := arrives(t, requests); text(*r.Message()) != "early" {
		t.Error(text(*r.Message()))
	}
	var used *transport.InUseError
	if err := server.Serve(requests); !errors.As(err, &used) || used.What != "Serve" {
		t.Errorf("%v", err)
	}
}

func TestRequestsAfterTheEnd(t *testing.T) {
	t.Parallel()
	server := open(t, &zmq.Options{Serve: zmq.Bind(anyPort)})
	client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
	e := exchange(t, client)
	attempt(t, e, message("call", "nobody reads it")) // the reader of the server waits
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if a := answer(t, e); !errors.Is(a.Err, transport.ErrLost) {
		t.Errorf("%+v", a)
	}
	if err := client.Shutdown(patient(t)); err != nil {
		t.Error(err)
	}
	_, late := client.Exchange(e.woken)
	for call, err := range map[string]error{"Exchange": late, "Send": e.Send(message("call", "x")), "Serve": server.Serve(answering(nil))} {
		if err != zmq.ErrClosed {
			t.Errorf("%s: %v", call, err)
		}
	}
	e.End(nil)
}

// What was replied before Shutdown reaches the client, and so does what was asked.
func TestShutdownFlushesReplies(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		server, requests := serving(t, zmq.Options{Serve: zmq.Bind(endpoint)})
		client := asking(t, 1, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})
		var all []asked
		for range 300 {
			e := exchange(t, client)
			attempt(t, e, message("call", "x"))
			all = append(all, e)
		}
		for range all {
			if err := arrives(t, requests).Reply(message("call", strings.Repeat("x", 10_000))); err != nil {
				t.Error(err)
			}
		}
		if err := server.Shutdown(patient(t)); err != nil {
			t.Error(err)
		}
		for _, e := range all {
			if a := answer(t, e); a.Err != nil {
				t.Fatal(a.Err)
			}
			e.End(nil)
		}
	})
}
