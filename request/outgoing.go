package request

import "github.com/fanfare-go/fanfare/transport"

// given is the size in bytes from which on a payload is given to the transport. Smaller ones are encoded into memory that is used again: the
// transport copies them.
const given = 16 << 10

// outgoing is a message for the transport, in memory that is used again.
type outgoing struct {
	message  transport.Message
	parts    [1][]byte // the payload of message, if it has one part
	envelope []byte
}

// set makes the message of a payload in one part.
func (o *outgoing) set(name string, payload []byte) {
	o.parts[0] = payload
	o.message = transport.Message{Topic: name, Payload: o.parts[:], Owned: len(payload) >= given}
}

// clear forgets the payload.
func (o *outgoing) clear() {
	o.parts[0] = nil
	o.message = transport.Message{}
}

// reuse returns the memory of a payload for the next one, nil if it was given to the transport.
func reuse(payload []byte) []byte {
	if cap(payload) >= given {
		return nil
	}
	return payload[:0]
}
