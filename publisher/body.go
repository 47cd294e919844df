package publisher

import (
	"slices"

	"github.com/fanfare-go/fanfare/topic"
)

// body is the encoded value of one event. Its buffer is used again unless somebody keeps it.
type body struct {
	encoded [][]byte
	frame   [1][]byte
	buffer  []byte
	kept    bool
}

// encode returns the encoded value of e: what a middleware has set, else what the codec makes of the value.
func (p *Publisher[T]) encode(e *topic.Event[T]) (*body, error) {
	b, _ := p.bodies.Get().(*body)
	if b == nil {
		b = &body{}
	}
	if set := e.Meta().Encoded(); set != nil {
		b.encoded = set
		return b, nil
	}
	v := e.Value // a copy, so that e does not escape through the interface
	var err error
	if p.frames != nil {
		if b.encoded, err = p.frames.AppendFrames(nil, &v); err != nil {
			return nil, err
		}
		b.kept = true // the value belongs to the bus, and so does what of it is in the frames
		return b, nil
	}
	if b.buffer, err = p.codec.Append(b.buffer[:0], &v); err != nil {
		return nil, err
	}
	b.frame[0] = b.buffer
	b.encoded = b.frame[:]
	return b, nil
}

// free takes a body back.
func (p *Publisher[T]) free(b *body) {
	if b.kept {
		b.buffer = nil
	}
	b.encoded, b.frame, b.kept = nil, [1][]byte{}, false
	p.bodies.Put(b)
}

// keep returns the encoded value for longer.
func (b *body) keep() [][]byte {
	b.kept = true
	return slices.Clone(b.encoded)
}

// lend reports whether the payload is so large that the transport should keep it instead of copying it, and lets it.
func (b *body) lend() bool {
	size := 0
	for _, f := range b.encoded {
		size += len(f)
	}
	b.kept = b.kept || size >= ownedSize
	return b.kept
}
