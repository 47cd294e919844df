package zmtp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

func greeting(minor byte, mechanism string) []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10], b[11] = 0xFF, 0x7F, 3, minor
	copy(b[12:32], mechanism)
	return b
}

func property(name, value string) string {
	return string(byte(len(name))) + name + "\x00\x00\x00" + string(byte(len(value))) + value
}

func ready(metadata string) []byte { return zmtp.AppendCommand(nil, "READY", []byte(metadata)) }

// shake runs our handshake as a PUB against a peer that sends these bytes, takes whatever it is sent, and hangs up only if told to.
func shake(t *testing.T, ctx context.Context, sent []byte, hangUp bool) (zmtp.Peer, net.Conn, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	finished := make(chan struct{}, 2)
	go func() {
		defer func() { finished <- struct{}{} }()
		_, _ = io.Copy(io.Discard, theirs)
	}()
	go func() {
		defer func() { finished <- struct{}{} }()
		_, _ = theirs.Write(sent)
		if hangUp {
			_ = theirs.Close()
		}
	}()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close(); <-finished; <-finished })
	peer, err := zmtp.Handshake(ctx, ours, zmtp.Options{Type: zmq4.Pub, Server: true, Metadata: map[string]string{"X-Fanfare": "1"}, Timeout: 200 * time.Millisecond})
	return peer, ours, err
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	sent := append(greeting(1, "NULL"), ready(property("socket-TYPE", "SUB")+property("Identity", "me")+property("X-Fanfare", "1 ack"))...)
	peer, c, err := shake(t, t.Context(), append(sent, "AFTER"...), false)
	if err != nil {
		t.Fatal(err)
	}
	if peer.Type != zmq4.Sub || peer.Identity != "me" || peer.Minor != 1 || peer.Metadata["x-fanfare"] != "1 ack" {
		t.Errorf("peer %+v", peer)
	}
	after := make([]byte, 5)
	if _, err := io.ReadFull(c, after); err != nil || string(after) != "AFTER" {
		t.Errorf("what followed the handshake: %q, %v", after, err)
	}
}

func TestHandshakeBothSides(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type result struct {
		peer zmtp.Peer
		err  error
	}
	accepted := make(chan result, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			accepted <- result{err: err}
			return
		}
		defer c.Close()
		peer, err := zmtp.Handshake(context.Background(), c, zmtp.Options{Type: zmq4.Pub, Server: true})
		accepted <- result{peer, err}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := zmtp.Handshake(t.Context(), c, zmtp.Options{Type: zmq4.Sub, Metadata: map[string]string{"X-App": "a"}})
	if err != nil || peer.Type != zmq4.Pub || peer.Minor != 0 {
		t.Errorf("dialled: %+v, %v", peer, err)
	}
	if got := <-accepted; got.err != nil || got.peer.Type != zmq4.Sub || got.peer.Metadata["x-app"] != "a" {
		t.Errorf("accepted: %+v", got)
	}
}

func TestHandshakeHostile(t *testing.T) {
	t.Parallel()
	hello := greeting(0, "NULL")
	after := func(b ...byte) []byte { return append(greeting(0, "NULL"), b...) }
	many := after()
	for range 20 {
		many = append(many, 4, 0)
	}
	tests := []struct {
		name string
		sent []byte
		part string // of the *ProtocolError, and some of its reason
		text string
	}{
		{"2^40", after(6, 0, 0, 1, 0, 0, 0, 0, 0), "frame", "1099511627776"},
		{"2^62", after(6, 0x40, 0, 0, 0, 0, 0, 0, 0), "frame", "4611686018427387904"},
		{"2^63", after(6, 0x80, 0, 0, 0, 0, 0, 0, 0), "frame", "9223372036854775808"},
		{"browser", []byte("GET / HTTP/1.1\r\n\r\n"), "greeting", "signature"},
		{"bad signature", append([]byte{0xFF}, make([]byte, 63)...), "greeting", "signature"},
		{"ZMTP 2", []byte{0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1}, "greeting", "version 1"},
		{"other mechanism", greeting(0, "CURVE"), "greeting", `"CURVE"`},
		{"message instead of command", after(0, 1, 'x'), "handshake", "flags"},
		{"more", after(5, 1, 'x'), "frame", "flags"},
		{"reserved flag", after(0x44, 1, 'x'), "frame", "flags"},
		{"other command", append(hello[:64:64], zmtp.AppendCommand(nil, "HELLO", nil)...), "handshake", "HELLO"},
		{"value length missing", append(hello[:64:64], ready("\x0bSocket-Type")...), "metadata", "name"},
		{"value length cut", append(hello[:64:64], ready("\x0bSocket-Type\x00\x00")...), "metadata", "name"},
		{"value cut", append(hello[:64:64], ready("\x0bSocket-Type\x00\x00\x00\x09SUB")...), "metadata", "3 bytes are left"},
		{"name cut", append(hello[:64:64], ready("\xffSocket-Type")...), "metadata", "name"},
		{"unknown type", append(hello[:64:64], ready(property("Socket-Type", "FOO"))...), "metadata", "FOO"},
		{"no type", append(hello[:64:64], ready("")...), "metadata", "Socket-Type"},
		{"malformed ERROR", append(hello[:64:64], zmtp.AppendCommand(nil, "ERROR", []byte{9, 'x'})...), "handshake", "ERROR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c, err := shake(t, t.Context(), tt.sent, false)
			var protocol *zmtp.ProtocolError
			if !errors.As(err, &protocol) || protocol.Part != tt.part || !strings.Contains(protocol.Reason, tt.text) {
				t.Errorf("%v, want part %q with %q", err, tt.part, tt.text)
			}
			if _, err := c.Write([]byte{0}); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
	t.Run("many frames", func(t *testing.T) {
		t.Parallel()
		if _, _, err := shake(t, t.Context(), many, false); err == nil {
			t.Error("accepted")
		}
	})
}

func TestHandshakeErrors(t *testing.T) {
	t.Parallel()
	t.Run("incompatible", func(t *testing.T) {
		t.Parallel()
		_, _, err := shake(t, t.Context(), append(greeting(0, "NULL"), ready(property("Socket-Type", "PULL"))...), false)
		var incompatible *zmtp.IncompatibleError
		if !errors.As(err, &incompatible) || incompatible.Local != zmq4.Pub || incompatible.Peer != zmq4.Pull {
			t.Error(err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		_, _, err := shake(t, t.Context(), append(greeting(0, "NULL"), zmtp.AppendCommand(nil, "ERROR", []byte("\x03400"))...), false)
		var refused *zmtp.RefusedError
		if !errors.As(err, &refused) || refused.Reason != "400" {
			t.Error(err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		if _, _, err := shake(t, t.Context(), nil, false); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := shake(t, ctx, nil, false); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("own metadata", func(t *testing.T) {
		t.Parallel()
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go func() { _, _ = theirs.Write(greeting(0, "NULL")) }()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		_, err := zmtp.Handshake(t.Context(), ours, zmtp.Options{Type: zmq4.Pub, Metadata: map[string]string{"a b": ""}})
		var protocol *zmtp.ProtocolError
		if !errors.As(err, &protocol) || protocol.Part != "metadata" {
			t.Error(err)
		}
	})
}

// A peer that hangs up at any byte of a good handshake gives an error, never a panic.
func TestHandshakeTruncated(t *testing.T) {
	t.Parallel()
	good := append(greeting(0, "NULL"), ready(property("Socket-Type", "SUB"))...)
	for cut := range good {
		if _, _, err := shake(t, t.Context(), good[:cut], true); err == nil {
			t.Fatalf("accepted after %d bytes", cut)
		}
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add(ready(property("Socket-Type", "SUB")))
	f.Add(ready("\x0bSocket-Type\x00\x00"))
	f.Add([]byte{6, 0, 0, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, sent []byte) {
		peer, _, err := shake(t, t.Context(), append(greeting(0, "NULL"), sent...), true)
		if err == nil && peer.Type != zmq4.Sub && peer.Type != zmq4.XSub {
			t.Fatalf("accepted %+v", peer)
		}
	})
}
