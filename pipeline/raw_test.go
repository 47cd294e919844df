package pipeline_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/rawpeer"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/google/uuid"
)

// rawPeer is a peer that calls itself one of ours and says exactly the bytes it is told to.
type rawPeer struct{ *rawpeer.Peer }

// rawPeerAt connects a peer of a socket type; as one of ours, unless it is to be plain.
func rawPeerAt(t testing.TB, endpoint, socketType string, plain ...bool) *rawPeer {
	t.Helper()
	var properties []string
	if len(plain) == 0 {
		properties = []string{"X-Fanfare=1"}
	}
	return &rawPeer{rawpeer.Connect(t, endpoint).Handshake(socketType, 0, properties...)}
}

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
	for len(all) < n {
		if got := r.Next(); got == "EOF" {
			r.Fatalf("the end after %d messages", len(all))
		} else if !strings.HasPrefix(got, "/") {
			all = append(all, got)
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
