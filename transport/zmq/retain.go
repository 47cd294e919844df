package zmq

import (
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// PublishRetained is Publish, and keeps a copy of m for peers of this module that subscribe later, with the flag of a retained event in its
// envelope: of each key of m.Topic the last, of at most limit keys. It copies what it keeps, the payload of an owned message included.
// Messages that Options.Plain or m.Plain leaves without an envelope, and those that have none, are published and not kept.
//
// What is kept does not count against Options.SendHWM when it is sent, but is in the peer's queue: after the replay of as many messages as
// that, those that are published before the peer has read some are dropped for it, as always.
//
// The error is one of Publish, a [*LimitError] for a limit below 1, or for an envelope that is none: fewer than 38 bytes, or another magic.
// Then nobody has m, and what was kept before still is.
func (t *Transport) PublishRetained(m *transport.Message, key string, limit int) error {
	if err := t.check(m); err != nil {
		return err
	}
	if limit < 1 {
		return &LimitError{Field: "number of retained keys", Value: limit, Limit: "1 or more"}
	}
	if !enveloped(m, t.plain) {
		return t.Publish(m)
	}
	if !envelope.Is(m.Envelope) {
		return &LimitError{Field: "envelope", Value: len(m.Envelope), Limit: "38 bytes or more that begin with the magic"}
	}
	o := t.borrow()
	msg := o.assemble(m, t.plain)
	o.envelope = append(o.envelope[:0], m.Envelope...)
	envelope.MarkRetained(o.envelope)
	o.kept = append(append(o.kept[:0], o.topic, o.envelope), m.Payload...)
	err := t.pub.SendRetained(msg, socket.Retained{Msg: zmq4.Msg{Frames: o.kept}, Key: key, Limit: limit, Owned: m.Owned})
	clear(o.kept)
	t.giveBack(o)
	return public(err)
}
