package socket

import (
	"context"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// Batch is where [Socket] puts the messages of RecvInto. Their memory is used again for later ones, so that receiving makes no garbage: a
// loop that looks at each message and goes on is up to twice as fast as with RecvBatch.
//
//	batch := socket.NewBatch(256)
//	for {
//		msgs, err := s.RecvInto(ctx, batch)
//		if err != nil {
//			return err
//		}
//		for _, m := range msgs { … } // a frame that is to be kept longer: bytes.Clone
//	}
//
// Messages that are lent may be sent with Send, which copies, but not with SendOwned, which gives away. A Batch belongs to one goroutine. It may
// be used with several sockets.
type Batch struct {
	buf   []zmq4.Msg
	pages []*zmtp.Page // each with a reference
	round uint64       // of lending
}

// NewBatch returns a batch for up to size messages; less than one means 256.
func NewBatch(size int) *Batch {
	if size < 1 {
		size = 256
	}
	return &Batch{buf: make([]zmq4.Msg, size)}
}

// Release gives the messages back: neither they nor their frames may be used any more. RecvInto does it first; a loop that ends should do it too,
// or else the memory waits for the garbage collector.
func (b *Batch) Release() {
	for i, page := range b.pages {
		page.Release()
		b.pages[i] = nil
	}
	b.pages = b.pages[:0]
	b.round++
}

// RecvInto releases the batch, waits for at least one message and takes as many as there are and the batch has room for, in turns over the peers.
// The messages are lent: they are valid until the batch is released, which the next RecvInto does. Errors are those of [Pull.RecvBatch].
func (b *base) RecvInto(ctx context.Context, batch *Batch) ([]zmq4.Msg, error) {
	batch.Release()
	n, err := b.recvMany(ctx, "RecvInto", batch.buf, batch)
	return batch.buf[:n], err
}

// lease is a reference to a page for the messages of an inlet that may be in it: those after the first start ones, to the end.
type lease struct {
	page       *zmtp.Page
	start, end uint64
	kept       bool   // some messages were given away for good: it is never given back
	to         *Batch // has a reference of its own, if round is that of the batch
	round      uint64
}

// lease notes the pages of the next n messages.
func (in *inlet) lease(pages []*zmtp.Page, n int) {
	start := in.taken + uint64(in.n)
	for _, page := range pages {
		last := len(in.leases) - 1
		switch {
		case n == 0: // all were filtered
			page.Release()
		case last >= 0 && in.leases[last].page == page:
			in.leases[last].end = start + uint64(n)
			page.Release() // the lease has one
		default:
			in.leases = append(in.leases, lease{page: page, start: start, end: start + uint64(n)})
		}
	}
}

// lend gives a batch references to the pages of the messages that were taken. With nil they are kept for good.
func (in *inlet) lend(to *Batch) {
	over := 0 // leases of which all messages are taken
	for i := range in.leases {
		l := &in.leases[i]
		if l.start >= in.taken {
			break
		}
		if l.end <= in.taken {
			over++
		}
		switch {
		case to == nil:
			l.kept = true
		case l.kept:
		case l.end <= in.taken:
			to.pages = append(to.pages, l.page)
		case l.to != to || l.round != to.round:
			l.page.Retain()
			to.pages = append(to.pages, l.page)
			l.to, l.round = to, to.round
		}
	}
	if over > 0 {
		n := copy(in.leases, in.leases[over:])
		clear(in.leases[n:])
		in.leases = in.leases[:n]
	}
}
