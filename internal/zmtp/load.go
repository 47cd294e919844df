package zmtp

// Messages that are in memory already need not be read: a decoder takes them as its own buffers. [Decoder.Buffer] and
// [Decoder.Advance] are not used then.

// Load makes b the bytes that follow. Those before must have been decoded; b ends with a whole frame, or with the header of a large one,
// whose body comes by [Decoder.LoadBody]. Frames will be slices of b, which must not change any more before page is given back: the page of b,
// with a reference that is the decoder's now unless it is the page of the last Load; nil if b is never used again.
func (d *Decoder) Load(b []byte, page *Page) {
	d.turn(page)
	d.slab, d.r, d.w = b, 0, len(b)
}

// LoadBody is the body of the large frame whose header came last, and its page, as for [Decoder.Load].
func (d *Decoder) LoadBody(body []byte, page *Page) { d.large, d.largePage = body, page }

// HeaderSize returns how many bytes the header of a frame with a body of size bytes takes.
func HeaderSize(size int) int {
	if size <= maxShortBody {
		return shortHeader
	}
	return longHeader
}

// WireSize returns how many bytes a frame takes, its header included.
func WireSize(body []byte) int { return HeaderSize(len(body)) + len(body) }
