// Package rawpeer is a peer for tests that says exactly the bytes it is told to: what other implementations say, and what none should.
package rawpeer

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

// patience bounds every wait for the other side.
const patience = 30 * time.Second

// Peer is one end of a connection. Its methods fail the test when the other side does not do what they wait for.
type Peer struct {
	testing.TB
	net.Conn
	decoder *zmtp.Decoder
}

// Connect opens a connection to a tcp endpoint and says nothing. It ends with the test.
func Connect(t testing.TB, endpoint string) *Peer {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	return TakeOver(t, nc)
}

// TakeOver makes a peer of a connection that is there.
func TakeOver(t testing.TB, nc net.Conn) *Peer {
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &Peer{TB: t, Conn: nc, decoder: zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 24, Frames: 100, CommandBytes: 1 << 16}, nil)}
}

// Greeting returns that of ZMTP 3 with that minor version, and the NULL mechanism.
func Greeting(minor byte) []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10], b[11] = 0xFF, 0x7F, 3, minor
	copy(b[12:], "NULL")
	return b
}

// Ready returns the READY command with those properties.
func Ready(t testing.TB, properties map[string]string) []byte {
	t.Helper()
	metadata, err := zmtp.AppendMetadata(nil, properties)
	if err != nil {
		t.Fatal(err)
	}
	return zmtp.AppendCommand(nil, "READY", metadata)
}

// Handshake makes the connection a peer of that socket type, with "name=value" as further properties, and returns when the other side is
// one, too.
func (p *Peer) Handshake(socketType string, minor byte, properties ...string) *Peer {
	p.Helper()
	all := map[string]string{"Socket-Type": socketType}
	for _, property := range properties {
		name, value, _ := strings.Cut(property, "=")
		all[name] = value
	}
	p.Say(Greeting(minor), Ready(p, all))
	if _, err := io.ReadFull(p, make([]byte, 64)); err != nil {
		p.Fatal(err)
	}
	if got := p.Next(); !strings.HasPrefix(got, "/\x05READY") {
		p.Fatalf("got %q, want READY", got)
	}
	return p
}

// Say writes the parts, one after the other.
func (p *Peer) Say(parts ...[]byte) {
	p.Helper()
	if _, err := p.Write(bytes.Join(parts, nil)); err != nil {
		p.Fatal(err)
	}
}

// Command writes a command.
func (p *Peer) Command(name, body string) {
	p.Helper()
	p.Say(zmtp.AppendCommand(nil, name, []byte(body)))
}

// Next returns the next message, its frames joined by "|", or the next command after a "/". At the end of the connection it returns "EOF".
func (p *Peer) Next() string {
	p.Helper()
	for {
		message, command, err := p.decoder.Next()
		switch {
		case err != nil:
			p.Fatal(err)
		case command != nil:
			return "/" + string(command)
		case message != nil:
			return string(bytes.Join(message, []byte("|")))
		}
		n, err := p.Read(p.decoder.Buffer())
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.Fatal(err)
			}
			return "EOF"
		}
		p.decoder.Advance(n)
	}
}

// Want compares what comes next.
func (p *Peer) Want(wants ...string) {
	p.Helper()
	for _, w := range wants {
		if got := p.Next(); got != w {
			p.Fatalf("got %q, want %q", got, w)
		}
	}
}
