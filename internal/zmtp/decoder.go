package zmtp

const (
	minWindow = 4 << 10  // first read buffer of a connection, and the one after a large frame
	maxWindow = 64 << 10 // read buffer under load: about 500 small messages a read
	minFree   = 512      // a slab with less room than this is given up
	largeStep = 64 << 10 // first buffer of a frame larger than this; it doubles as bytes arrive
	minChunk  = 8        // frame slices allocated at once
	maxChunk  = 2048
)

// LargeFrame is the size from which on a frame is not copied together with others, in bytes: an incomplete one gets a buffer of its own.
const LargeFrame = 16 << 10

// Limits bounds what a [Decoder] accepts.
type Limits struct {
	MessageBytes int // all frames of one message together
	Frames       int // frames of one message
	CommandBytes int // body of one command, its name included
}

// Decoder splits a stream of bytes into messages and commands. The caller reads into [Decoder.Buffer], reports with
// [Decoder.Advance], and calls [Decoder.Next] until it yields nothing. A command between two frames of a message comes out at once,
// before that message.
//
// Frames are slices of the page that was read into: nothing is copied. A page is written again only when all that [Decoder.Lease] gave out
// of it was given back. A retained frame keeps at most two pages alive (128 KiB under load, 8 KiB otherwise), or its own one when it is
// large. The order of errors and units does not depend on how the stream was cut into reads.
//
// A Decoder belongs to one goroutine.
type Decoder struct {
	limits Limits
	pages  *Pages

	page   *Page   // of slab, nil before the first
	held   []*Page // older pages, and those of large frames, with messages that no Lease was for, or the beginning of the one in progress
	open   int     // held[open:] came since the message in progress began
	out    bool    // messages came out for which no Lease was
	slab   []byte  // slab[r:w] is read and not yet parsed
	r, w   int
	window int // how much to read at once: grows while reads fill it

	large     []byte // an incomplete large frame: what has arrived of it
	largePage *Page  // its memory, nil: not ours
	header    Header // of that frame; Size 0 when there is none

	prefix []byte   // begins every message, nil for none
	frames [][]byte // chunk of frame slices; frames[first:] is the message in progress
	first  int
	since  int  // frames that came out of this slab: the next chunk's size, and whether the slab must be held
	own    bool // the message in progress has a large frame, so it must not share a chunk
	size   int  // bytes of the message in progress
}

// NewDecoder returns a decoder with the given limits, which must all be positive. It holds 4 KiB from the first call of Buffer on. pages
// is where its memory comes from; with nil none is used again, and Lease need not be called.
func NewDecoder(limits Limits, pages *Pages) *Decoder {
	return &Decoder{limits: limits, pages: pages, window: minWindow}
}

// Prefix makes every message begin with that frame, which counts against no limit. It must not be empty, and comes before anything else.
func (d *Decoder) Prefix(frame []byte) {
	d.prefix = frame
	d.limits.Frames++
}

// Buffer returns where the next bytes of the stream go. It is never empty, and valid until the next call of any method.
func (d *Decoder) Buffer() []byte {
	if d.header.Size > 0 {
		return d.largeBuffer()
	}
	if len(d.slab)-d.w < minFree {
		d.renewSlab(0)
	}
	return d.slab[d.w:min(len(d.slab), d.w+d.window)]
}

// Advance says that n bytes were read into the start of [Decoder.Buffer].
func (d *Decoder) Advance(n int) {
	if d.header.Size > 0 {
		d.large = d.large[:len(d.large)+n]
		return
	}
	d.w += n
	switch {
	case n >= d.window:
		d.window = min(4*d.window, maxWindow)
	case n < d.window/16:
		d.window = max(d.window/2, minWindow)
	}
}

// Next returns the next message or command that is complete, or neither when more bytes are needed. For how long the frames of a message are
// valid says [Decoder.Lease]; a command, its name first, is valid until the next call of any method. After an error, a
// [*ProtocolError], the decoder must not be used again.
func (d *Decoder) Next() (message [][]byte, command []byte, err error) {
	for {
		flags, body, ok := d.smallFrame()
		if !ok {
			if flags, body, err = d.otherFrame(); body == nil {
				return nil, nil, err
			}
			if flags&Command != 0 {
				return nil, body, nil
			}
		}
		d.size += len(body)
		if len(d.frames)+2 > cap(d.frames) {
			d.renewChunk(nil)
		}
		if d.prefix != nil && len(d.frames) == d.first {
			d.frames = append(d.frames, d.prefix)
		}
		d.frames = append(d.frames, body)
		d.since++
		if flags&More == 0 {
			return d.takeMessage(), nil, nil
		}
	}
}

// smallFrame takes the next frame if it is a small one of a message, and all there, as most frames are.
func (d *Decoder) smallFrame() (flags Flags, body []byte, ok bool) {
	in := d.slab[d.r:d.w]
	if len(in) < shortHeader || in[0] > byte(More) || d.header.Size > 0 || len(d.frames)-d.first >= d.limits.Frames {
		return 0, nil, false
	}
	size := int(in[1])
	end := shortHeader + size
	if end > len(in) || d.size+size > d.limits.MessageBytes {
		return 0, nil, false
	}
	d.r += end
	return Flags(in[0]), in[shortHeader:end:end], true
}

// otherFrame takes any frame. body is nil when more bytes are needed.
func (d *Decoder) otherFrame() (flags Flags, body []byte, err error) {
	if d.header.Size > 0 {
		flags, body = d.largeFrame()
		return flags, body, nil
	}
	in := d.slab[d.r:d.w]
	if len(in) == 0 {
		return 0, nil, nil
	}
	limit := d.limits.MessageBytes - d.size
	if in[0]&byte(Command) != 0 {
		limit = d.limits.CommandBytes
	} else if len(d.frames)-d.first == d.limits.Frames {
		return 0, nil, violation("message", "more than %d frames", d.limits.Frames)
	}
	h, n, err := ParseHeader(in, limit)
	if n == 0 || err != nil {
		return 0, nil, err
	}
	end := n + h.Size
	if end <= len(in) {
		d.r += end
		return h.Flags, in[n:end:end], nil
	}
	switch {
	case h.Size >= LargeFrame:
		d.startLarge(h, in[n:])
	case d.r+end > len(d.slab):
		d.renewSlab(end)
	}
	return 0, nil, nil
}

// takeMessage ends the message in progress. Frames of a large message move to an array of their own: in the chunk, the small
// messages beside them would keep megabytes alive.
func (d *Decoder) takeMessage() [][]byte {
	m := d.frames[d.first:len(d.frames):len(d.frames)]
	if d.own {
		m = append(make([][]byte, 0, len(m)), m...)
		clear(d.frames[d.first:])
		d.frames = d.frames[:d.first]
	}
	d.first, d.size, d.own = len(d.frames), 0, false
	d.open, d.out = len(d.held), true
	return m
}

// Lease appends the pages of the messages that came out since the last Lease, each with a reference. The messages are valid until all of
// these are given back, and for good if one of them never is.
func (d *Decoder) Lease(pages []*Page) []*Page {
	pages = append(pages, d.held...)
	kept := d.held[:0]
	if d.inProgress() {
		for _, page := range d.held[d.open:] {
			page.Retain()
			kept = append(kept, page)
		}
	}
	clear(d.held[len(kept):])
	d.held, d.open, d.out = kept, 0, false
	if d.page != nil {
		d.page.Retain()
		pages = append(pages, d.page)
	}
	return pages
}

// inProgress says whether frames of a message wait for those that follow.
func (d *Decoder) inProgress() bool { return len(d.frames) > d.first }

// renewSlab moves the unparsed bytes into a new slab with room for need bytes in all.
func (d *Decoder) renewSlab(need int) {
	page := d.pages.Get(max(d.window, need, d.w-d.r+minFree))
	d.w = copy(page.bytes, d.slab[d.r:d.w])
	d.r, d.slab = 0, page.bytes
	d.turn(page)
}

// turn makes another page the one of the slab. Frame chunks change together with slabs, so that one retained message does not keep more
// slabs alive than its own.
func (d *Decoder) turn(page *Page) {
	if page == d.page {
		return
	}
	if old := d.page; old != nil {
		if d.out || d.inProgress() && d.since > 0 { // not for commands alone: they are without limit
			d.hold(old)
		} else {
			defer old.Release() // when the chunk is not used any more
		}
	}
	d.page = page
	if page == nil {
		d.renewChunk(nil)
	} else {
		d.renewChunk(page.frames)
	}
	d.since = 0
}

// hold keeps the decoder's reference to a page for the next Lease.
func (d *Decoder) hold(page *Page) {
	if d.pages != nil {
		d.held = append(d.held, page)
	}
}

// renewChunk moves the message in progress into another chunk: spare, if that is large enough.
func (d *Decoder) renewChunk(spare [][]byte) {
	open := d.frames[d.first:]
	chunk := spare[:0]
	if cap(chunk) < max(minChunk, 2*len(open)) {
		chunk = make([][]byte, 0, min(max(d.since+d.since/8, 2*len(open), minChunk), max(maxChunk, 2*len(open))))
	}
	chunk = append(chunk, open...)
	clear(open)
	d.frames, d.first = chunk, 0
	if d.page != nil {
		d.page.frames = chunk[:0]
	}
}
