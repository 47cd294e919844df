package bus

import (
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// outgoing is the memory of the last event that was sent, used again for the next.
type outgoing struct {
	envelope []byte
	message  transport.Message
}

// SendOptions say how an event is sent.
type SendOptions struct {
	Plain  bool // without envelope, and so without a number
	Owned  bool // the transport may keep the payload
	Retain int  // how many keys the transport, a Retainer, keeps events of for late joiners; 0: none; 1: the last event of all
}

// Send numbers the event and hands it to the transport. On an error the event is nowhere and its number is free. The caller has acquired
// the route.
func (r *Route) Send(m *envelope.Meta, payload [][]byte, o SendOptions) error {
	if r.out == nil {
		r.out = &outgoing{}
	}
	out := r.out
	out.message = transport.Message{Topic: r.name, Payload: payload, Plain: o.Plain, Owned: o.Owned}
	if !o.Plain {
		m.Seq = r.seq + 1
		out.envelope = envelope.Append(out.envelope[:0], m)
		out.message.Envelope = out.envelope
	}
	err := r.bus.publish(&out.message, m, o.Retain)
	out.message.Payload = nil
	switch {
	case err != nil:
		m.Seq = 0
	case o.Plain:
		r.plain++
	default:
		r.seq++
	}
	return err
}

// publish hands a message to the transport, which keeps it for late joiners if retain is not 0. Several publishers of a topic that retain
// keep one event together, or one for each key.
func (b *Bus) publish(m *transport.Message, meta *envelope.Meta, retain int) error {
	defer b.roster.Ask() // the transport may drop the message
	if retain == 0 {
		return b.transport.Publish(m)
	}
	key := ""
	if retain > 1 {
		key = meta.Key()
	}
	return b.transport.(transport.Retainer).PublishRetained(m, key, retain)
}
