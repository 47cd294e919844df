package zmq

import (
	"slices"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
)

// keptFrame is from which size on the socket keeps frames of an owned message, in bytes.
const keptFrame = 16 << 10

// outgoing is what is needed to put a message together. The socket is done with it when it has sent.
type outgoing struct {
	id       []byte
	topic    []byte
	frames   [][]byte
	envelope []byte   // of the copy that is kept
	kept     [][]byte // frames of that
}

func (t *Transport) borrow() *outgoing {
	o, _ := t.outgoing.Get().(*outgoing)
	if o == nil {
		o = &outgoing{}
	}
	return o
}

func (t *Transport) giveBack(o *outgoing) {
	clear(o.frames)
	t.outgoing.Put(o)
}

// enveloped says whether m goes out with its envelope.
func enveloped(m *transport.Message, plain bool) bool { return !plain && !m.Plain && m.Envelope != nil }

// appendTopic adds the name of the topic, call or task of m.
func (o *outgoing) appendTopic(m *transport.Message) {
	o.topic = append(o.topic[:0], m.Topic...)
	o.frames = append(o.frames, o.topic)
}

// appendEnvelope adds the envelope of m.
func (o *outgoing) appendEnvelope(m *transport.Message) {
	envelope := m.Envelope
	if m.Owned && len(envelope) >= keptFrame { // only the payload is: the socket would keep the envelope as well
		envelope = slices.Clone(envelope)
	}
	o.frames = append(o.frames, envelope)
}

// appendBody adds [topic] [envelope] [payload…], or for plain peers [payload…].
func (o *outgoing) appendBody(m *transport.Message, plain bool) {
	if enveloped(m, plain) {
		o.appendTopic(m)
		o.appendEnvelope(m)
	}
	o.frames = append(o.frames, m.Payload...)
}

// flagsOf says how m is sent to one peer. now: nothing else is under way, so there is nothing to gather.
func flagsOf(m *transport.Message, now bool) (f socket.SendFlags) {
	if m.Owned {
		f |= socket.Owned
	}
	if now {
		f |= socket.Now
	}
	return f
}
