package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

const anyPort = "tcp://127.0.0.1:0"

// absent returns an endpoint where nobody listens.
func absent(t testing.TB) string {
	t.Helper()
	return "ipc://" + filepath.Join(t.TempDir(), "s")
}

// freePort returns a tcp endpoint where nobody listens yet. No other test takes it meanwhile: it is on a loopback address that only
// this process uses.
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
