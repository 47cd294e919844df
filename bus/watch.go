package bus

import (
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fanfare-go/fanfare/internal/lane"
)

// watch makes the roster's watchdog tell what it sees as notices.
func (b *Bus) watch() {
	report := lane.Report{
		After: b.options.SlowAfter,
		Slow: func(m *lane.Member, age time.Duration, depth uint64) {
			b.notices.send(Slow{Subscription: m.Name, CallSite: site(m.Site), Age: age, Depth: depth})
		},
		Dropped: func(m *lane.Member, n uint64) {
			b.notices.send(Dropped{Subscription: m.Name, Policy: overflowOf(m.Gate()), N: n})
		},
	}
	if b.options.Transport != nil {
		report.Tick = b.watchTransport
	}
	b.roster.Watch(report)
}

// watchTransport tells of what the transport has dropped since it was called last.
func (b *Bus) watchTransport() {
	dropped := b.transport.Stats().Dropped
	if before := b.peersDropped.Swap(dropped); dropped > before {
		b.notices.send(Dropped{N: dropped - before})
	}
}

// overflowOf returns the policy that drops events of a subscription.
func overflowOf(g *lane.Gate) Overflow {
	p := g.Policy
	if p == lane.Block || p == lane.Fail {
		p = g.Remote
	}
	return [...]Overflow{lane.Block: Block, lane.DropOldest: DropOldest, lane.DropNewest: DropNewest, lane.Latest: Latest, lane.Fail: Fail}[p]
}

// site describes a place in a program: the last directory, the file and the line.
func site(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	dir, file := filepath.Split(frame.File)
	return fmt.Sprintf("%s/%s:%d", filepath.Base(dir), file, frame.Line)
}
