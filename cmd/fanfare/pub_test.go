package main

import (
	"strconv"
	"strings"
	"testing"
)

func TestHeadersArrive(t *testing.T) {
	t.Parallel()
	sub := start(t, "sub", "--bind", anyPort, "--count", "1")
	start(t, "pub", "--connect", sub.endpoint(), "-H", "region=eu", "-H", "note=a=b, c", "orders.created", `{"id":1}`).exits(exitDone)
	sub.exits(exitDone)
	r := sub.stdout.records(1)[0]
	headers, _ := r["headers"].(map[string]any)
	if r["topic"] != "orders.created" || r["payload"] != `{"id":1}` || headers["region"] != "eu" || headers["note"] != "a=b, c" {
		t.Errorf("printed %v", r)
	}
	for _, field := range []string{"id", "source", "seq", "time"} {
		if r[field] == nil {
			t.Errorf("no %q in %v", field, r)
		}
	}
}

func TestLinesOfStdin(t *testing.T) {
	t.Parallel()
	sub := start(t, "sub", "--connect", absent(t), "--bind", anyPort, "--raw", "--count", "4")
	pub := startWith(t, "one\r\ntwo\n\nlast", "pub", "--connect", sub.endpoint(), "words")
	pub.exits(exitDone)
	sub.exits(exitDone)
	if got := sub.stdout.String(); got != "one\ntwo\n\nlast\n" {
		t.Errorf("printed %q", got)
	}
}

func TestCountRepeatsPayload(t *testing.T) {
	t.Parallel()
	const events = 5000 // more than any queue on the way has room for by default
	pub := start(t, "pub", "--bind", anyPort, "--wait", "1", "--count", strconv.Itoa(events), "clock", "tick")
	sub := start(t, "sub", "--connect", pub.endpoint(), "--count", strconv.Itoa(events), "--raw")
	pub.exits(exitDone)
	sub.exits(exitDone)
	if got := strings.Count(sub.stdout.String(), "tick\n"); got != events {
		t.Errorf("printed %d events, want %d", got, events)
	}
}

func TestInterval(t *testing.T) {
	t.Parallel()
	sub := start(t, "sub", "--bind", anyPort, "--raw", "--count", "3")
	start(t, "pub", "--connect", sub.endpoint(), "--count", "3", "--interval", "1ms", "clock", "tick").exits(exitDone)
	sub.exits(exitDone)
}

func TestWaitTimeout(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"of wait":    {"--bind", anyPort, "--wait", "2"},
		"of connect": {"--connect", absent(t), "--connect", absent(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, append(append([]string{"pub", "--timeout", "50ms"}, args...), "a", "b")...)
			i.exits(exitTimeout)
			for _, want := range []string{"timeout after 50ms", "nothing was published", `0 of 2 subscribers of "a"`} {
				if !strings.Contains(i.stderr.String(), want) {
					t.Errorf("stderr is %q, want %q in it", i.stderr, want)
				}
			}
		})
	}
}

func TestNobodySubscribed(t *testing.T) {
	t.Parallel()
	for name, endpoint := range map[string][]string{
		"bound":     {"--bind", anyPort},
		"connected": {"--connect", absent(t), "--wait", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, append(append([]string{"pub"}, endpoint...), "a", "b")...)
			i.exits(exitDone)
			if !strings.Contains(i.stderr.String(), "nobody was subscribed") {
				t.Errorf("stderr is %q, want a warning", i.stderr)
			}
		})
	}
}

// TestInterruptedPub ends a publisher that has more to publish: what it has published must arrive.
func TestInterruptedPub(t *testing.T) {
	t.Parallel()
	sub := start(t, "sub", "--bind", anyPort, "--raw")
	pub := start(t, "pub", "--connect", sub.endpoint(), "--count", "1000000000", "--interval", "1ms", "clock", "tick")
	sub.stdout.lines(3)
	pub.interrupt()
	pub.exits(exitFailed)
	line := pub.stderr.line("interrupted: ")
	var n int
	for field := range strings.FieldsSeq(line) {
		if v, err := strconv.Atoi(field); err == nil {
			n = v
		}
	}
	if n < 3 {
		t.Fatalf("stderr says %q, want the number of events", line)
	}
	sub.stdout.lines(n)
	sub.interrupt()
	sub.exits(exitDone)
	if got := len(sub.stdout.lines(n)); got != n {
		t.Errorf("printed %d events, published %d", got, n)
	}
}
