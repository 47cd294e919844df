package zmtp

// A large frame is read into a buffer of its own: no copy but of the bytes that came with its header, and whoever keeps a small frame
// does not keep it. Up to largeStep the buffer is exact. Beyond, it doubles as bytes arrive: a peer can make us
// allocate no more than about twice what it really sends.

func (d *Decoder) startLarge(h Header, got []byte) {
	d.header = h
	d.large = nil
	if len(got) > 0 {
		d.large = append(make([]byte, 0, max(min(h.Size, largeStep), len(got))), got...)
	}
	d.r = d.w
	d.window = minWindow // what follows is probably a header, and every byte read with it is a byte to copy
}

func (d *Decoder) largeBuffer() []byte {
	if len(d.large) == cap(d.large) {
		grown := make([]byte, len(d.large), min(d.header.Size, max(2*cap(d.large), largeStep)))
		copy(grown, d.large)
		d.large = grown
	}
	return d.large[len(d.large):min(cap(d.large), d.header.Size)]
}

func (d *Decoder) nextLarge() (h Header, body []byte, ok bool, err error) {
	if len(d.large) < d.header.Size {
		return Header{}, nil, false, nil
	}
	h, body = d.header, d.large[:d.header.Size:d.header.Size]
	d.header, d.large = Header{}, nil
	d.own = h.Flags&Command == 0
	return h, body, true, nil
}
