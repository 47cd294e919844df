package socket_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// raw is a peer that says exactly the bytes it is told to: what other implementations do, and what none should.
type raw struct {
	testing.TB
	net.Conn
	decoder *zmtp.Decoder
}

func greeting(minor byte) []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10], b[11] = 0xFF, 0x7F, 3, minor
	copy(b[12:], "NULL")
	return b
}

func readyCommand(t testing.TB, properties map[string]string) []byte {
	t.Helper()
	metadata, err := zmtp.AppendMetadata(nil, properties)
	if err != nil {
		t.Fatal(err)
	}
	return zmtp.AppendCommand(nil, "READY", metadata)
}

// connect opens a connection to a tcp endpoint and says nothing.
func connect(t testing.TB, endpoint string) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	return takeOver(t, nc)
}

func takeOver(t testing.TB, nc net.Conn) *raw {
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &raw{TB: t, Conn: nc, decoder: zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 24, Frames: 100, CommandBytes: 1 << 16}, nil)}
}

// handshake makes the connection a peer of that socket type, with "name=value" as further properties.
func (r *raw) handshake(socketType string, minor byte, properties ...string) *raw {
	r.Helper()
	m := map[string]string{"Socket-Type": socketType}
	for _, p := range properties {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	r.say(greeting(minor), readyCommand(r, m))
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(r, theirs); err != nil {
		r.Fatal(err)
	}
	if got := r.next(); !strings.HasPrefix(got, "/\x05READY") {
		r.Fatalf("got %q, want READY", got)
	}
	return r
}

func (r *raw) say(parts ...[]byte) {
	r.Helper()
	if _, err := r.Write(bytes.Join(parts, nil)); err != nil {
		r.Fatal(err)
	}
}

// next returns the next message, its frames joined by "|", or the next command after a "/". At the end of the connection it returns "EOF".
func (r *raw) next() string {
	r.Helper()
	for {
		message, command, err := r.decoder.Next()
		switch {
		case err != nil:
			r.Fatal(err)
		case command != nil:
			return "/" + string(command)
		case message != nil:
			return string(bytes.Join(message, []byte("|")))
		}
		n, err := r.Read(r.decoder.Buffer())
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				r.Fatal(err)
			}
			return "EOF"
		}
		r.decoder.Advance(n)
	}
}

func (r *raw) want(wants ...string) {
	r.Helper()
	for _, w := range wants {
		if got := r.next(); got != w {
			r.Fatalf("got %q, want %q", got, w)
		}
	}
}

// roundTrip sends a PING and reads up to its answer: all that was said before has then been dealt with.
func (r *raw) roundTrip() {
	r.Helper()
	r.say(zmtp.AppendPing(nil, 0, []byte("round trip")))
	r.want("/\x04PONGround trip")
}
