package zmq

import (
	"context"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// maxTopic is the longest topic, in bytes.
const maxTopic = 255

// Publish hands m to every peer that subscribed to a prefix of its topic. It leaves out the envelope if Options.Plain or m.Plain asks
// for that, or if there is none. The error is a [*LimitError] for a topic of more than 255 bytes or a message without payload, a
// [*socket.MessageError] for one beyond Options.MaxMessageSize or 1024 frames, or [ErrClosed].
func (t *Transport) Publish(m *transport.Message) error {
	if err := t.check(m); err != nil {
		return err
	}
	o := t.borrow()
	err := t.send(o.assemble(m, t.plain), m.Owned)
	t.giveBack(o)
	return public(err)
}

// check says whether m may be published.
func (t *Transport) check(m *transport.Message) error {
	switch {
	case t.refusing.Load():
		return ErrClosed
	case len(m.Topic) > maxTopic:
		return &LimitError{Field: "length of topic", Value: len(m.Topic), Limit: "255 bytes or less"}
	case len(m.Payload) == 0: // without it an envelope would be taken for the payload
		return &LimitError{Field: "number of payload parts", Value: 0, Limit: "1 or more"}
	}
	return nil
}

// assemble returns the frames of m, in memory of o where they need any.
func (o *outgoing) assemble(m *transport.Message, plain bool) zmq4.Msg {
	o.frames = o.frames[:0]
	o.appendTopic(m)
	if enveloped(m, plain) {
		o.appendEnvelope(m)
	}
	o.frames = append(o.frames, m.Payload...)
	return zmq4.Msg{Frames: o.frames}
}

// send copies what it sends, but for the large frames of an owned message.
func (t *Transport) send(msg zmq4.Msg, owned bool) error {
	if owned {
		return t.pub.SendOwned(context.Background(), msg)
	}
	return t.pub.Send(msg)
}
