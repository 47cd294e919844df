package main

import (
	"context"
	"time"
)

// pace puts an interval between events.
type pace struct {
	begun  bool
	ticker *time.Ticker // nil without an interval
}

func newPace(interval time.Duration) *pace {
	if interval == 0 {
		return &pace{}
	}
	return &pace{ticker: time.NewTicker(interval)}
}

// next returns when the next event may go: the first one at once. When ctx ends it returns why.
func (p *pace) next(ctx context.Context) error {
	first := !p.begun
	p.begun = true
	if p.ticker == nil || first {
		return interruption(ctx)
	}
	select {
	case <-p.ticker.C:
		return nil
	case <-ctx.Done():
		return interruption(ctx)
	}
}

func (p *pace) stop() {
	if p.ticker != nil {
		p.ticker.Stop()
	}
}
