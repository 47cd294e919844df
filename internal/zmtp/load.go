package zmtp

// Messages that are in memory already need not be read: a decoder takes them as its own buffers. [Decoder.Buffer] and
// [Decoder.Advance] are not used then.

// Load makes b the bytes that follow. Those before must have been decoded; b ends with a whole frame, or with the header of a large one,
// whose body comes by [Decoder.LoadBody]. Frames will be slices of b, which must not change any more.
func (d *Decoder) Load(b []byte) {
	if d.since > 0 {
		d.renewChunk()
		d.since = 0
	}
	d.slab, d.r, d.w = b, 0, len(b)
}

// LoadBody is the body of the large frame whose header came last. It must not change any more.
func (d *Decoder) LoadBody(body []byte) { d.large = body }

// HeaderSize returns how many bytes the header of a frame with a body of size bytes takes.
func HeaderSize(size int) int {
	if size <= maxShortBody {
		return shortHeader
	}
	return longHeader
}

// WireSize returns how many bytes a frame takes, its header included.
func WireSize(body []byte) int { return HeaderSize(len(body)) + len(body) }
