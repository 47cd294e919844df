package zmtp_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// loan is messages that came out together, what they said then, and the pages that they are in.
type loan struct {
	frames, said [][]byte
	pages        []*zmtp.Page
}

func (l *loan) check(t *testing.T) {
	t.Helper()
	for i := range l.frames {
		if !bytes.Equal(l.frames[i], l.said[i]) {
			t.Fatalf("a frame of %d bytes changed before its pages were given back", len(l.said[i]))
		}
	}
}

// However a stream is cut, and however late and in whatever order pages are given back, messages stay as they are until then.
func TestLeaseKeepsMessages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		pages := new(zmtp.Pages)
		d := zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 21, Frames: 1000, CommandBytes: 1 << 10}, pages)
		d.Prefix([]byte("from"))
		var wire []byte
		want := 0
		for range 400 {
			if random.IntN(5) == 0 {
				wire = zmtp.AppendPing(wire, 0, []byte("ping"))
			}
			wire = zmtp.AppendMessage(wire, randomFrames(random))
			want++
		}
		var loans []*loan
		var lease []*zmtp.Page
		got := 0
		now := &loan{}
		end := func() {
			if len(now.frames) == 0 {
				return
			}
			lease = d.Lease(lease[:0])
			now.pages = append(now.pages, lease...)
			loans = append(loans, now)
			now = &loan{}
		}
		for rest := wire; ; {
			message, command, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case message != nil:
				got++
				for _, f := range message {
					now.frames, now.said = append(now.frames, f), append(now.said, bytes.Clone(f))
				}
				continue
			case command != nil:
				if !bytes.HasSuffix(command, []byte("ping")) {
					t.Fatalf("%q", command)
				}
				end()
				continue
			}
			end()
			for len(loans) > random.IntN(12) {
				i := random.IntN(len(loans))
				loans[i].check(t)
				for _, page := range loans[i].pages {
					page.Release()
				}
				loans = append(loans[:i], loans[i+1:]...)
			}
			if len(rest) == 0 {
				break
			}
			buf := d.Buffer()
			n := copy(buf, rest[:min(len(rest), 1+random.IntN(len(buf)))])
			d.Advance(n)
			rest = rest[n:]
		}
		for _, l := range loans {
			l.check(t)
		}
		if got != want {
			t.Fatalf("seed %d: %d messages of %d", seed, got, want)
		}
	}
}

func randomFrames(random *rand.Rand) [][]byte {
	frames := make([][]byte, 1+random.IntN(4))
	if random.IntN(40) == 0 {
		frames = make([][]byte, 400)
	}
	for i := range frames {
		size := random.IntN(200)
		if random.IntN(30) == 0 {
			size = random.IntN(100_000)
		}
		frames[i] = bytes.Repeat([]byte{byte(random.IntN(256))}, size)
	}
	return frames
}

// A decoder whose pages are given back uses them again, even if there is a message in progress each time.
func TestLeaseReuses(t *testing.T) { // not in parallel: it counts what is allocated
	for _, size := range []int{100, 70_000} {
		message := zmtp.AppendMessage(nil, [][]byte{[]byte("topic"), make([]byte, size)})
		begin, end := message[:10], message[10:] // begin has the first frame
		rest := bytes.Repeat(slices.Concat(end, begin), 1+8192/size)
		allocated := func(release bool) uint64 {
			d, lease := zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 20, Frames: 3, CommandBytes: 1}, new(zmtp.Pages)), []*zmtp.Page(nil)
			feed(t, d, begin)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 200 {
				feed(t, d, rest)
				lease = d.Lease(lease[:0])
				for _, page := range lease {
					if release {
						page.Release()
					}
				}
			}
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		if kept, given := allocated(false), allocated(true); given > kept/2 { // the race detector makes a pool forget a quarter
			t.Errorf("frames of %d bytes: %d bytes allocated with pages given back, %d without", size, given, kept)
		}
	}
}

// A message that never ends, with commands in between for ever, holds the pages of its frames and no others.
func TestLeaseOfEndlessMessage(t *testing.T) { // not in parallel: it counts what is allocated
	d := zmtp.NewDecoder(zmtp.Limits{MessageBytes: 1 << 20, Frames: 3, CommandBytes: 100}, new(zmtp.Pages))
	feed(t, d, zmtp.AppendFrame(nil, zmtp.More, []byte("never complete")))
	pings := bytes.Repeat(zmtp.AppendPing(nil, 0, make([]byte, 16)), 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 500
	for range rounds {
		feed(t, d, pings)
	}
	runtime.ReadMemStats(&after)
	if n, sent := after.TotalAlloc-before.TotalAlloc, uint64(rounds*len(pings)); n > sent/2 { // the race detector makes a pool forget a quarter
		t.Errorf("%d bytes of commands took %d bytes of memory", sent, n)
	}
}

// feed decodes wire and forgets what comes out.
func feed(t *testing.T, d *zmtp.Decoder, wire []byte) {
	t.Helper()
	for len(wire) > 0 {
		n := copy(d.Buffer(), wire)
		d.Advance(n)
		wire = wire[n:]
		for {
			message, command, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			if message == nil && command == nil {
				break
			}
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	var pages zmtp.Pages
	for _, size := range []int{1, 4095, 4096, 4097, 5000, 65_536, 70_000, 1 << 20, 100 << 20} {
		page := pages.Get(size)
		if len(page.Bytes()) < size {
			t.Fatalf("%d of %d bytes", len(page.Bytes()), size)
		}
		page.Retain()
		page.Release()
		page.Bytes()[0] = 0 // one reference is left
		page.Release()
		if again := pages.Get(size); len(again.Bytes()) < size {
			t.Fatalf("%d of %d bytes again", len(again.Bytes()), size)
		}
	}
	body := []byte("body")
	kept, page := pages.Copy(body)
	body[0] = 'B'
	if string(kept) != "body" || cap(kept) != len(kept) {
		t.Errorf("%q", kept)
	}
	page.Release()
	var none *zmtp.Pages
	if page := none.Get(10_000); len(page.Bytes()) != 10_000 {
		t.Error(len(page.Bytes()))
	}
}
