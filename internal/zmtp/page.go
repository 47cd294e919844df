package zmtp

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	minPage = minWindow // smaller pages are cheap to make and not kept
	classes = 15        // pages of 4 KiB to 64 MiB are kept
)

// Page is memory that a [Decoder] read into, or that holds a copy of a large frame. It is used again when its last reference is given back;
// with a reference that is never given back, it is the garbage collector's. All methods may be called concurrently.
type Page struct {
	bytes  []byte
	frames [][]byte // the chunk for messages whose bytes are here
	refs   atomic.Int32
	home   *Pages // nil: never used again
}

// Bytes returns the memory. Who holds the only reference may write to it.
func (p *Page) Bytes() []byte { return p.bytes }

// Adopt makes b the page's memory. The caller holds the only reference, and b grew out of that memory.
func (p *Page) Adopt(b []byte) { p.bytes = b[:cap(b)] }

// Retain adds a reference.
func (p *Page) Retain() { p.refs.Add(1) }

// Release gives a reference back: the caller uses the memory no more.
func (p *Page) Release() {
	if p.refs.Add(-1) == 0 && p.home != nil {
		p.home.put(p)
	}
}

// Pages are pages to be used again. Those of a burst go to the garbage collector after it. The zero value is empty and ready, nil makes pages
// that are never used again. All methods may be called concurrently.
type Pages struct{ pools [classes]sync.Pool }

// Get returns a page of at least size bytes, of any content, with one reference.
func (p *Pages) Get(size int) *Page {
	if page := p.idle(size); page != nil {
		return page
	}
	page := &Page{bytes: make([]byte, size), home: p}
	page.refs.Store(1)
	return page
}

// Copy returns a copy of b in a page of its own.
func (p *Pages) Copy(b []byte) ([]byte, *Page) {
	page := p.Get(len(b))
	return page.bytes[:copy(page.bytes, b):len(b)], page
}

// idle returns a page that is there already, nil if there is none.
func (p *Pages) idle(size int) *Page {
	if p == nil || size < minPage {
		return nil
	}
	low := bits.Len(uint(size) / minPage) // the class above, of which every page would do
	if size&(size-1) == 0 {
		low-- // a power of two is the least of its own class
	}
	for _, class := range [2]int{low, low - 1} { // and the one of size itself: equal sizes come often
		if class < 0 || class >= classes {
			continue
		}
		page, _ := p.pools[class].Get().(*Page)
		switch {
		case page == nil:
		case len(page.bytes) >= size:
			page.refs.Store(1)
			return page
		default:
			p.pools[class].Put(page)
		}
	}
	return nil
}

func (p *Pages) put(page *Page) {
	if class := bits.Len(uint(len(page.bytes))/minPage) - 1; class >= 0 && class < classes {
		p.pools[class].Put(page)
	}
}
