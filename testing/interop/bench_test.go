package interop_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// The benchmarks run the same load through our sockets and through libzmq in C (peers/bench.c), one after the other: machines drift, ratios
// hold. All marks are the defaults, which are the same. Ours send with Send, one message at a time, and receive with RecvInto, which uses
// memory again, both as libzmq does. "kept" is RecvBatch, whose messages are the garbage collector's; "one by one" is RecvContext.

// libzmq is the C program, or the reason why there is none.
type libzmq struct{ program, missing string }

// compile builds libzmq's side. Debian has what it needs in gcc and libzmq3-dev.
func compile(b *testing.B) libzmq {
	b.Helper()
	program := filepath.Join(b.TempDir(), "bench")
	if _, err := exec.LookPath("gcc"); err != nil {
		return libzmq{missing: "gcc is not installed"}
	}
	if err := exec.Command("gcc", "-fsyntax-only", "-include", "zmq.h", "-x", "c", os.DevNull).Run(); err != nil {
		return libzmq{missing: "zmq.h is not installed: Debian has it in libzmq3-dev"}
	}
	if output, err := exec.Command("gcc", "-O2", "-o", program, "peers/bench.c", "-lzmq", "-lpthread").CombinedOutput(); err != nil {
		b.Fatalf("bench.c does not compile: %v\n%s", err, output)
	}
	return libzmq{program: program}
}

// run is the sub-benchmark "libzmq". least is how many messages are worth the start of a process. Of pubsub the deliveries are counted.
func (l libzmq) run(b *testing.B, mode string, size, peers, least int, units ...string) {
	b.Run("libzmq", func(b *testing.B) {
		if l.missing != "" {
			interop.Missing(b, l.missing)
		}
		ctx, cancel := context.WithTimeout(b.Context(), interop.Patience)
		defer cancel()
		count := max(b.N, least)
		if mode == "pubsub" {
			count = max(b.N/peers, least)
		}
		args := []string{mode, strconv.Itoa(size), strconv.Itoa(count), strconv.Itoa(peers)}
		output, err := exec.CommandContext(ctx, l.program, args...).Output()
		if err != nil {
			b.Fatal(err)
		}
		figures := strings.Fields(string(output))
		if len(figures) != len(units) {
			b.Fatalf("%q", output)
		}
		for i, unit := range units {
			figure, err := strconv.ParseFloat(figures[i], 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(figure, unit)
		}
		b.ReportMetric(0, "ns/op") // it would count the start of the process
	})
}

func closing[S socket.Socket](b *testing.B, s S) S {
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// joined has dialer connected to listener, which has so many peers then. It returns the endpoint.
func joined(b *testing.B, listener socket.Socket, at string, dialers ...socket.Socket) {
	b.Helper()
	if err := listener.Listen(at); err != nil {
		b.Fatal(err)
	}
	for _, d := range dialers {
		if err := d.Dial(listener.Bound()[0]); err != nil {
			b.Fatal(err)
		}
	}
	eventually(b, listener, "the peers", func() bool { return len(listener.Peers()) == len(dialers) })
	for _, d := range dialers {
		eventually(b, d, "the peers", func() bool { return len(d.Peers()) == 1 })
	}
}
