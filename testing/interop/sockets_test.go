package interop_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/go-zeromq/zmq4"
)

// role is what our side of a pairing does with messages.
type role int

const (
	gives   role = iota // sends them
	takes               // receives theirs
	asks                // sends them, and they send them back
	answers             // sends theirs back, with one more frame: see signature
)

// pairing is a socket of ours and one of libzmq that it talks to.
type pairing struct {
	open   func(*socket.Options) socket.Socket
	role   role
	theirs string
	before []any // frames before each message
}

// envelope is what a DEALER puts before a message for REP.
var envelope = []any{"way", "back", ""}

var pairings = []pairing{
	{open: as(socket.NewPush), role: gives, theirs: "PULL"},
	{open: as(socket.NewPub), role: gives, theirs: "SUB"},
	{open: as(socket.NewPub), role: gives, theirs: "XSUB"},
	{open: as(socket.NewXPub), role: gives, theirs: "SUB"},
	{open: as(socket.NewXPub), role: gives, theirs: "XSUB"},
	{open: as(socket.NewXSub), role: gives, theirs: "XPUB"},

	{open: as(socket.NewPull), role: takes, theirs: "PUSH"},
	{open: as(socket.NewSub), role: takes, theirs: "PUB"},
	{open: as(socket.NewSub), role: takes, theirs: "XPUB"},
	{open: as(socket.NewXSub), role: takes, theirs: "PUB"},
	{open: as(socket.NewXSub), role: takes, theirs: "XPUB"},
	{open: as(socket.NewXPub), role: takes, theirs: "XSUB"},

	{open: as(socket.NewReq), role: asks, theirs: "REP"},
	{open: as(socket.NewReq), role: asks, theirs: "ROUTER"},
	{open: as(socket.NewDealer), role: asks, theirs: "REP", before: envelope},
	{open: as(socket.NewDealer), role: asks, theirs: "ROUTER"},
	{open: as(socket.NewDealer), role: asks, theirs: "DEALER"},
	{open: as(socket.NewPair), role: asks, theirs: "PAIR"},

	{open: as(socket.NewRep), role: answers, theirs: "REQ"},
	{open: as(socket.NewRep), role: answers, theirs: "DEALER", before: envelope},
	{open: as(socket.NewRouter), role: answers, theirs: "REQ"},
	{open: as(socket.NewRouter), role: answers, theirs: "DEALER"},
	{open: as(socket.NewDealer), role: answers, theirs: "DEALER"},
	{open: as(socket.NewPair), role: answers, theirs: "PAIR"},
}

// corpus has one to three frames of all sizes, and empty frames wherever there can be one.
var corpus = [][]any{
	{"the first"},
	{0}, {1}, {255}, {256}, {65536}, {1 << 20},
	{0, 0}, {0, 1}, {1, 0}, {255, 256}, {65536, 65536},
	{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {1, 1, 1}, {256, 1 << 20, 255},
}

// What either side sends arrives as it was and in order, whoever binds.
func TestSockets(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, p pairing, weBind bool) {
		s := p.ours(t, nil)
		python := p.meet(t, s, p.spec(corpus), weBind, interop.AnyPort)
		// A subscriber comes late, and XPUB hears of subscriptions as well.
		p.exchange(t, s, python, corpus, strings.HasSuffix(p.theirs, "UB"))
	})
}

// forAll runs a test for each pairing, with either side binding.
func forAll(t *testing.T, test func(t *testing.T, p pairing, weBind bool)) {
	for _, p := range pairings {
		for _, weBind := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/bind=%t", p.name(), weBind), func(t *testing.T) {
				t.Parallel()
				test(t, p, weBind)
			})
		}
	}
}

// as forgets which type of socket a function makes.
func as[S socket.Socket](open func(*socket.Options) S) func(*socket.Options) socket.Socket {
	return func(opts *socket.Options) socket.Socket { return open(opts) }
}

func (p pairing) name() string {
	return fmt.Sprint(p.open(nil).Type(), [...]string{"-to-", "-from-", "-asks-", "-answers-"}[p.role], p.theirs)
}

// ours opens our socket, which dials again at once, wants everything, and answers if that is its role.
func (p pairing) ours(t *testing.T, opts *socket.Options) socket.Socket {
	t.Helper()
	interop.Require(t)
	if opts == nil {
		opts = new(socket.Options)
	}
	opts.ReconnectMax = 100 * time.Millisecond
	s := p.open(opts)
	var answering sync.WaitGroup
	t.Cleanup(func() {
		_ = s.Close()
		answering.Wait()
	})
	if s, ok := s.(interface{ Subscribe(prefix string) error }); ok {
		if err := s.Subscribe(""); err != nil {
			t.Fatal(err)
		}
	}
	if p.role == answers {
		answering.Go(func() {
			for {
				m, err := s.Recv()
				if err == nil {
					m.Frames = append(m.Frames, []byte(signature(s)))
					err = s.Send(m)
				}
				if err != nil {
					return
				}
			}
		})
	}
	return s
}

// signature tells a socket's answers from those of the socket before it.
func signature(s socket.Socket) string { return fmt.Sprintf("answered by %p", s) }

// spec describes their socket, which sends these messages if ours does not.
func (p pairing) spec(messages [][]any) interop.Spec {
	spec := interop.Spec{Type: p.theirs, Echo: p.role == asks}
	if strings.HasSuffix(p.theirs, "SUB") {
		spec.Subscribe = []string{""}
	}
	if p.role == takes || p.role == answers {
		spec.Send = p.whole(messages)
	}
	return spec
}

// whole returns the messages with the frames before them.
func (p pairing) whole(messages [][]any) (whole [][]any) {
	for _, m := range messages {
		whole = append(whole, append(append([]any(nil), p.before...), m...))
	}
	return whole
}

// meet binds one side to the endpoint, connects the other to it, and returns theirs.
func (p pairing) meet(t *testing.T, s socket.Socket, spec interop.Spec, weBind bool, at string) *interop.Process {
	t.Helper()
	if weBind {
		listen(t, s, at)
		spec.Connect = s.Bound()
	} else {
		spec.Bind = []string{at}
	}
	python := interop.Socket(t, spec)
	if bound := python.Ready(); !weBind {
		dial(t, s, bound[0])
	}
	return python
}

func listen(t *testing.T, s socket.Socket, at string) {
	t.Helper()
	if err := s.Listen(at); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, s socket.Socket, at string) {
	t.Helper()
	if err := s.Dial(at); err != nil {
		t.Fatal(err)
	}
}

// exchange wants the messages on the receiving side, in a row. Others may come before the first of them if late.
func (p pairing) exchange(t *testing.T, s socket.Socket, python *interop.Process, messages [][]any, late bool) {
	t.Helper()
	messages = p.whole(messages)
	received := func() []any { return receive(t, s) }
	switch p.role {
	case gives:
		reachable(t, s)
		for _, m := range messages {
			give(t, s, m)
		}
		inARow(t, python.Message, messages, late)
	case takes:
		inARow(t, received, messages, late)
	case asks:
		for _, m := range messages {
			give(t, s, m)
			inARow(t, received, [][]any{m}, false)
		}
	case answers:
		for i, m := range messages {
			messages[i] = append(m, signature(s))
		}
		inARow(t, python.Message, messages, late)
	}
}

func inARow(t *testing.T, next func() []any, messages [][]any, late bool) {
	t.Helper()
	for i, m := range messages {
		want := printed(encoded(m))
		got := next()
		for late && i == 0 && !equal(got, want) {
			got = next()
		}
		if !equal(got, want) {
			t.Fatalf("message %d is %.200q, want %.200q", i, got, want)
		}
	}
}

func equal(a, b []any) bool { return fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b) }

// encoded returns the frames that a message of a Spec stands for.
func encoded(message []any) (frames [][]byte) {
	for _, frame := range message {
		switch frame := frame.(type) {
		case int:
			frames = append(frames, interop.Pattern(frame))
		case string:
			frames = append(frames, []byte(frame))
		}
	}
	return frames
}

// printed returns frames as Process.Message does.
func printed(frames [][]byte) (message []any) {
	for _, frame := range frames {
		if len(frame) > 100 && bytes.Equal(frame, interop.Pattern(len(frame))) {
			message = append(message, float64(len(frame)))
		} else {
			message = append(message, string(frame))
		}
	}
	return message
}

func give(t *testing.T, s socket.Socket, message []any) {
	t.Helper()
	if err := s.SendContext(interop.Patient(t), zmq4.NewMsgFrom(encoded(message)...)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, s socket.Socket) []any {
	t.Helper()
	m, err := s.RecvContext(interop.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	return printed(m.Frames)
}

// reachable waits until what we send has somebody to go to.
func reachable(t *testing.T, s socket.Socket) {
	t.Helper()
	eventually(t, s, "somebody to send to", func() bool {
		if s, ok := s.(interface{ Subscribers(topic []byte) int }); ok {
			return s.Subscribers(nil) > 0
		}
		return len(s.Peers()) > 0
	})
}

// eventually waits, from one change of the socket to the next, until the condition holds.
func eventually(t testing.TB, s socket.Socket, what string, holds func() bool) {
	t.Helper()
	ctx := interop.Patient(t)
	for {
		changed := s.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("never: %s; %+v, %+v", what, s.Peers(), s.Stats())
		}
	}
}
