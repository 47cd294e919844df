package main

import (
	"strings"
	"testing"
)

const (
	forClient1 = `{"topic":"client1","payload":"message for client1"}`
	forClient2 = "[b'client2', b'message for client2']"
)

// printsOnlyClient1 checks what "fanfare sub --prefix client1 --count 5" has printed.
func printsOnlyClient1(t *testing.T, sub *invocation) {
	t.Helper()
	sub.exits(exitDone)
	if got, want := sub.stdout.String(), strings.Repeat(forClient1+"\n", 5); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
}

func TestSubHearsPyzmq(t *testing.T) {
	t.Parallel()
	only1 := []string{"--prefix", "client1", "--count", "5"}
	t.Run("which is there", func(t *testing.T) {
		t.Parallel()
		endpoint := python(t, clients, "bind", anyPort).line(1)
		printsOnlyClient1(t, start(t, append([]string{"sub", "--connect", endpoint}, only1...)...))
	})
	t.Run("which comes later", func(t *testing.T) {
		t.Parallel()
		endpoint := freePort(t)
		sub := start(t, append([]string{"sub", "--connect", endpoint}, only1...)...)
		python(t, clients, "bind", endpoint)
		printsOnlyClient1(t, sub)
	})
	t.Run("which connects", func(t *testing.T) {
		t.Parallel()
		sub := start(t, append([]string{"sub", "--bind", anyPort}, only1...)...)
		python(t, clients, "connect", sub.endpoint())
		printsOnlyClient1(t, sub)
	})
}

func TestPlainPubReachesPyzmq(t *testing.T) {
	t.Parallel()
	message := []string{"--plain", "--count", "2", "client2", "message for client2"}
	t.Run("which binds", func(t *testing.T) {
		t.Parallel()
		sub := python(t, collector, "bind", anyPort, "client2")
		start(t, append([]string{"pub", "--connect", sub.line(1)}, message...)...)
		sub.gets(forClient2, forClient2)
	})
	t.Run("which connects", func(t *testing.T) {
		t.Parallel()
		pub := start(t, append([]string{"pub", "--bind", anyPort, "--wait", "1"}, message...)...)
		python(t, collector, "connect", pub.endpoint(), "client2").gets(forClient2, forClient2)
	})
}

// gets checks what a collector has printed after the line with its endpoint.
func (p *peer) gets(messages ...string) {
	p.t.Helper()
	for i, want := range messages {
		if got := p.line(i + 2); got != want {
			p.t.Errorf("message %d is %s, want %s", i, got, want)
		}
	}
}

func TestEnvelopedPubReachesPyzmq(t *testing.T) {
	t.Parallel()
	sub := python(t, collector, "bind", anyPort, "orders.")
	start(t, "pub", "--connect", sub.line(1), "-H", "region=eu", "orders.created", "42")
	message := sub.line(2)
	for _, want := range []string{`[b'orders.created', b'\xc1FFR\x01\x00`, `region\x00\x00\x00\x02eu`, `, b'42']`} {
		if !strings.Contains(message, want) {
			t.Errorf("got %s, want %s in it", message, want)
		}
	}
}
