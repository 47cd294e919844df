package interop_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkLibzmq is libzmq in C under the loads of the benchmarks of package socket: run both in one command and compare the ratios. It needs
// gcc and libzmq's header (Debian's libzmq3-dev).
func BenchmarkLibzmq(b *testing.B) {
	program := filepath.Join(b.TempDir(), "bench")
	if output, err := exec.Command("gcc", "-O2", "-o", program, "peers/bench.c", "-lzmq", "-lpthread").CombinedOutput(); err != nil {
		b.Skipf("libzmq3-dev and gcc are needed: %v\n%s", err, output)
	}
	for _, load := range []struct {
		mode        string
		size, peers int
		unit        string
	}{
		{"pubsub", 64, 1, "msg/s"},
		{"pubsub", 64 << 10, 1, "msg/s"},
		{"pushpull", 64, 1, "msg/s"},
		{"pushpull", 64 << 10, 1, "msg/s"},
		{"pubsub", 64, 10, "deliveries/s"},
		{"pubsub", 64, 100, "deliveries/s"},
		{"inproc-pushpull", 64, 1, "msg/s"},
		{"inproc-pair", 64, 1, "msg/s"},
		{"echo", 64, 1, "msg/s"},
		{"echo", 64, 1000, "msg/s"},
		{"reqrep", 64, 1, "p50-µs"},
	} {
		b.Run(fmt.Sprintf("%s/%d/%d", load.mode, load.size, load.peers), func(b *testing.B) {
			count := max(b.N/load.peers, 1000)
			output, err := exec.CommandContext(b.Context(), program, load.mode, strconv.Itoa(load.size), strconv.Itoa(count), strconv.Itoa(load.peers)).Output()
			if err != nil {
				b.Fatal(err)
			}
			figure, err := strconv.ParseFloat(strings.Fields(string(output))[0], 64)
			if err != nil {
				b.Fatalf("%s: %v", output, err)
			}
			b.ReportMetric(figure, load.unit)
			b.ReportMetric(0, "ns/op") // it would count the start of the program
		})
	}
}
