package pipeline_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/google/uuid"
)

// rawPeer is a peer that calls itself one of ours and says exactly the bytes it is told to.
type rawPeer struct {
	testing.TB
	net.Conn
}

// rawPeerAt connects a peer of a socket type; as one of ours, unless it is to be plain.
func rawPeerAt(t testing.TB, endpoint, socketType string, plain ...bool) *rawPeer {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(limit))
	r := &rawPeer{t, nc}
	properties := map[string]string{"Socket-Type": socketType}
	if len(plain) == 0 {
		properties["X-Fanfare"] = "1"
	}
	metadata, err := zmtp.AppendMetadata(nil, properties)
	if err != nil {
		t.Fatal(err)
	}
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xFF, 0x7F, 3
	copy(greeting[12:], "NULL")
	r.say(greeting, zmtp.AppendCommand(nil, "READY", metadata))
	if _, err := io.ReadFull(r, make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rawPeer) say(parts ...[]byte) {
	r.Helper()
	if _, err := r.Write(bytes.Join(parts, nil)); err != nil {
		r.Fatal(err)
	}
}

func (r *rawPeer) command(name, body string) { r.say(zmtp.AppendCommand(nil, name, []byte(body))) }

// task sends n tasks.
func (r *rawPeer) task(name string, n int) {
	var all []byte
	for i := range n {
		meta := envelope.Meta{Origin: &envelope.Origin{Topic: name, Source: uuid.Nil}, Seq: uint64(i + 1)}
		all = zmtp.AppendMessage(all, [][]byte{[]byte(name), envelope.Append(nil, &meta), fmt.Append(nil, i)})
	}
	_, _ = r.Write(all) // it may be cut off
}

// messages returns the next n messages, their frames joined by "|".
func (r *rawPeer) messages(n int) (all []string) {
	r.Helper()
	d := zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 24, Frames: 100, CommandBytes: 1 << 16}, nil)
	for len(all) < n {
		read, err := r.Read(d.Buffer())
		if err != nil {
			r.Fatalf("after %d messages: %v", len(all), err)
		}
		d.Advance(read)
		for {
			message, command, err := d.Next()
			if err != nil {
				r.Fatal(err)
			}
			if message != nil {
				all = append(all, string(bytes.Join(message, []byte("|"))))
			} else if command == nil {
				break
			}
		}
	}
	return all
}

// ended waits until the peer has hung up.
func (r *rawPeer) ended() {
	r.Helper()
	if _, err := io.Copy(io.Discard, r); err != nil && strings.Contains(err.Error(), "timeout") {
		r.Error("it has not hung up")
	}
}
