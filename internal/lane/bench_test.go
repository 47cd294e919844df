package lane

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
)

type sample struct {
	ID   int
	Text string
	meta [6]uint64
}

type counting struct {
	sum int
	f   func(context.Context, sample) error
	ctx context.Context
}

func (c *counting) Handle(t *Turn[sample]) {
	for in := t.Next(); in != nil; in = t.Next() {
		s := *in
		if !t.Begin() {
			return
		}
		if c.f(c.ctx, s) != nil {
			t.End(Failed)
			continue
		}
		t.End(Succeeded)
	}
}

func (c *counting) Recovered(*sample, any) {}

func (c *counting) handle(_ context.Context, e sample) error {
	if e.ID < 0 {
		return fmt.Errorf("x")
	}
	c.sum += e.ID
	return nil
}

func BenchmarkChan(b *testing.B) {
	ch := make(chan sample, 1024)
	done := make(chan struct{})
	c := &counting{}
	c.f = c.handle
	go func() {
		for e := range ch {
			if c.f(c.ctx, e) != nil {
				b.Error()
			}
		}
		close(done)
	}()
	for i := range b.N {
		ch <- sample{ID: i, Text: "x"}
	}
	close(ch)
	<-done
}

func BenchmarkLog(b *testing.B) {
	for _, n := range []int{1, 2, 4, 10, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			roster := &Roster{}
			var mu sync.Mutex
			l := NewLog[sample](1, &mu)
			var rs []*Reader[sample]
			for range n {
				r := NewReader(l, Config{Graph: &Graph{}, Roster: roster, Capacity: 1024}, func() Handler[sample] { c := &counting{}; c.f = c.handle; return c })
				mu.Lock()
				r.Join(nil)
				mu.Unlock()
				rs = append(rs, r)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				for {
					mu.Lock()
					full := l.Full()
					if full == nil {
						e := sample{ID: i, Text: "x"}
						l.Append(&e)
						mu.Unlock()
						break
					}
					mu.Unlock()
					if err := (&Wait{}).For(context.Background(), full); err != nil {
						b.Fatal(err)
					}
				}
			}
			for idle := roster.Idle(); idle != nil; idle = roster.Idle() {
				<-idle
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/delivery")
			for _, r := range rs {
				if t := r.Totals(); t.Succeeded != uint64(b.N) {
					b.Fatalf("%+v", t)
				}
				r.Close()
			}
		})
	}
}
