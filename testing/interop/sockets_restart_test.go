package interop_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
)

// Either side is started again where it was before, and messages flow again.
func TestSocketsRestart(t *testing.T) {
	t.Parallel()
	before, after := [][]any{{"before"}}, [][]any{{"after"}}
	forAll(t, func(t *testing.T, p pairing, weBind bool) {
		again := func(what string, restart func(t *testing.T, at string)) {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				restart(t, interop.IPC(t))
			})
		}
		again("they restart", func(t *testing.T, at string) {
			s := p.ours(t, nil)
			python := p.meet(t, s, p.spec(before), weBind, at)
			p.exchange(t, s, python, before, true)
			python.Kill()
			eventually(t, s, "their end", func() bool { return len(s.Peers()) == 0 })
			spec := p.spec(after)
			if spec.Bind = []string{at}; weBind {
				spec.Bind, spec.Connect = nil, []string{at}
			}
			python = interop.Socket(t, spec)
			python.Ready()
			p.exchange(t, s, python, after, true)
		})
		if p.theirs == "PAIR" && !weBind {
			return // libzmq may still have the old connection: it refuses the new one, and keeps it open without a word
		}
		again("we restart", func(t *testing.T, at string) {
			s := p.ours(t, nil)
			spec := p.spec(before)
			if p.theirs == "REQ" { // or it waits for the answer of the socket that is gone
				spec.Options = map[string]any{"REQ_RELAXED": 1, "REQ_CORRELATE": 1}
				spec.Every = 100
			}
			python := p.meet(t, s, spec, weBind, at)
			p.exchange(t, s, python, before, true)
			_ = s.Close()
			s = p.ours(t, nil)
			if weBind {
				listen(t, s, at)
			} else {
				dial(t, s, at)
			}
			p.exchange(t, s, python, before, true)
		})
	})
}
