package zmtp

// A large frame is read into a buffer of its own: no copy but of the bytes that came with its header, and whoever keeps a small frame
// does not keep it. Up to largeStep the buffer is exact. Beyond, it doubles as bytes arrive: a peer can make us
// allocate no more than about twice what it really sends.

func (d *Decoder) startLarge(h Header, got []byte) {
	d.header = h
	d.large, d.largePage = nil, nil
	if len(got) > 0 {
		d.growLarge(max(min(h.Size, largeStep), len(got)))
		d.large = append(d.large, got...)
	}
	d.r = d.w
	d.window = minWindow // what follows is probably a header, and every byte read with it is a byte to copy
}

func (d *Decoder) largeBuffer() []byte {
	if len(d.large) == cap(d.large) {
		d.growLarge(min(d.header.Size, max(2*cap(d.large), largeStep)))
	}
	return d.large[len(d.large):min(cap(d.large), d.header.Size)]
}

// growLarge moves what has arrived into a larger page: one for the whole frame, if there is one to use again.
func (d *Decoder) growLarge(size int) {
	page := d.pages.idle(d.header.Size)
	if page == nil {
		page = d.pages.Get(size)
	}
	d.large = page.bytes[:copy(page.bytes, d.large)]
	if d.largePage != nil {
		d.largePage.Release()
	}
	d.largePage = page
}

func (d *Decoder) largeFrame() (flags Flags, body []byte) {
	if len(d.large) < d.header.Size {
		return 0, nil
	}
	flags, body = d.header.Flags, d.large[:d.header.Size:d.header.Size]
	if flags&Command == 0 {
		d.own = true
		if d.largePage != nil {
			d.hold(d.largePage)
		}
	}
	d.header, d.large, d.largePage = Header{}, nil, nil
	return flags, body
}
