package zmq

import (
	"context"
	"unsafe"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// Receive waits until there is at least one message, and fills into with what is there, in turns over the peers. Only plain peers
// can send a topic of more than 255 bytes; such a message is dropped and counted. The error is that of ctx, or [ErrClosed].
func (t *Transport) Receive(ctx context.Context, into []transport.Message) (n int, err error) {
	if len(t.incoming) < len(into) {
		t.incoming = make([]zmq4.Msg, len(into))
	}
	for {
		taken, err := t.sub.RecvBatch(ctx, t.incoming[:len(into)])
		if t.refusing.Load() {
			t.counts.untaken.Add(uint64(taken))
			return 0, ErrClosed
		}
		if err != nil {
			return 0, public(err)
		}
		for i := range taken {
			m, ok := classify(t.incoming[i].Frames)
			t.incoming[i] = zmq4.Msg{}
			if !ok {
				t.counts.unusable.Add(1)
				continue
			}
			into[n] = m
			n++
		}
		if n > 0 || taken == 0 {
			t.counts.received.Add(uint64(n))
			return n, nil
		}
	}
}

// classify says what the frames of a message are. It reports false for a topic that is too long.
func classify(frames [][]byte) (m transport.Message, ok bool) {
	if len(frames) == 1 {
		return transport.Message{Payload: frames, Bare: true}, true
	}
	if len(frames[0]) > maxTopic {
		return transport.Message{}, false
	}
	m.Topic = view(frames[0])
	if len(frames) >= 3 && envelope.Is(frames[1]) {
		m.Envelope, m.Payload = frames[1], frames[2:]
	} else {
		m.Payload = frames[1:]
	}
	return m, true
}

// view returns a string over the frame itself: received frames never change, and the topic of most messages is only looked up.
func view(frame []byte) string { return unsafe.String(unsafe.SliceData(frame), len(frame)) }
