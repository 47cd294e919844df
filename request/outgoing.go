package request

import (
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/transport"
)

// given is the size in bytes from which on a payload is given to the transport. Smaller ones are encoded into memory that is used again: the
// transport copies them.
const given = 16 << 10

// encoding is an encoded request or reply: in one piece, or in the frames that its codec makes.
type encoding struct {
	bytes  []byte
	frames [][]byte
}

// encode sets it to what c makes of the value that v points to. One piece goes into the memory of the last.
func (e *encoding) encode(c codec.Codec, v any) (err error) {
	if f := codec.FramesOf(c); f != nil {
		e.frames, err = f.AppendFrames(nil, v)
		return err
	}
	piece, err := c.Append(e.bytes, v)
	if err == nil {
		e.bytes = piece
	}
	return err
}

// parts returns all of it.
func (e *encoding) parts() [][]byte {
	if e.frames != nil {
		return e.frames
	}
	return [][]byte{e.bytes}
}

// reuse forgets it, and keeps the memory for the next one unless that was given to the transport.
func (e *encoding) reuse() {
	e.frames = nil
	if cap(e.bytes) >= given {
		e.bytes = nil
	}
	e.bytes = e.bytes[:0]
}

// outgoing is a message for the transport, in memory that is used again.
type outgoing struct {
	message  transport.Message
	parts    [1][]byte // the payload of message, if it has one part
	envelope []byte
}

// set makes the message of a payload.
func (o *outgoing) set(name string, payload encoding) {
	if payload.frames != nil {
		o.message = transport.Message{Topic: name, Payload: payload.frames, Owned: true}
		return
	}
	o.parts[0] = payload.bytes
	o.message = transport.Message{Topic: name, Payload: o.parts[:], Owned: len(payload.bytes) >= given}
}

// clear forgets the payload.
func (o *outgoing) clear() {
	o.parts[0] = nil
	o.message = transport.Message{}
}
