package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// absent returns an endpoint where nobody listens.
func absent(t testing.TB) string {
	t.Helper()
	return "ipc://" + filepath.Join(t.TempDir(), "s")
}

// freePort returns a tcp endpoint where nobody listens yet. No other test takes it meanwhile: it is on a loopback address that only
// this process has.
func freePort(t testing.TB) string {
	t.Helper()
	pid := os.Getpid()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 1, byte(pid>>8), byte(pid)|1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "tcp://" + l.Addr().String()
}

// peer is another program.
type peer struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	ended  chan struct{}
}

// launch starts a program. It is killed at the end of the test if it is still there.
func launch(t testing.TB, environment []string, name string, args ...string) *peer {
	t.Helper()
	p := &peer{t: t, cmd: exec.Command(name, args...), stdout: newOutput(t), stderr: newOutput(t), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the exit code is in ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("%s wrote to stderr:\n%s", filepath.Base(name), p.stderr)
		}
	})
	return p
}

// python starts a program that uses pyzmq. Its arguments are in sys.argv.
func python(t testing.TB, program string, args ...string) *peer {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if err := exec.Command(interpreter, "-c", "import zmq").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("pyzmq (Debian: python3-zmq) is missing: %v", err)
		}
		t.Skipf("pyzmq (Debian: python3-zmq) is missing: %v", err)
	}
	return launch(t, nil, interpreter, append([]string{"-u", "-c", program}, args...)...)
}

// A stock publisher: METHOD ENDPOINT. It prints where it is bound, then publishes for ever.
const clients = `
import sys, time, zmq
method, endpoint = sys.argv[1:]
pub = zmq.Context().socket(zmq.PUB)
getattr(pub, method)(endpoint)
print(pub.getsockopt_string(zmq.LAST_ENDPOINT))
while True:
    pub.send_multipart([b"client1", b"message for client1"])
    pub.send_multipart([b"client2", b"message for client2"])
    time.sleep(0.001)
`

// A stock subscriber: METHOD ENDPOINT PREFIX. It prints where it is bound, then each message as a list of frames.
const collector = `
import sys, zmq
method, endpoint, prefix = sys.argv[1:]
sub = zmq.Context().socket(zmq.SUB)
sub.subscribe(prefix.encode())
getattr(sub, method)(endpoint)
print(sub.getsockopt_string(zmq.LAST_ENDPOINT))
while True:
    print(sub.recv_multipart())
`

// line returns the n-th line of the peer's output.
func (p *peer) line(n int) string { return strings.TrimSpace(p.stdout.lines(n)[n-1]) }
