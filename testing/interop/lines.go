package interop

import (
	"fmt"
	"strings"
	"time"
)

// Line waits for the next line of standard output. A program that is far ahead of its test waits: when 1024 lines, or 8 MiB of them, were
// not read. A line has 8 MiB at most.
func (p *Process) Line() string {
	p.t.Helper()
	return p.Find("line", func(string) bool { return true })
}

// Find waits for a line of standard output that matches, skips those before it, and returns it. What says in a failure what there was not,
// such as "line with a price".
func (p *Process) Find(what string, matches func(line string) bool) string {
	p.t.Helper()
	line, err := p.find(matches)
	if err != nil {
		p.fatalf("%s %v: there is no %s", p.name, err, what)
	}
	return line
}

// find returns an error that reads on from the program's name.
func (p *Process) find(matches func(line string) bool) (string, error) {
	timeout := time.NewTimer(p.patience)
	defer timeout.Stop()
	l := p.life.Load()
	for {
		line, changed, err := l.stdout.take()
		switch {
		case err != nil:
			return "", l.silence(err)
		case changed != nil:
			select {
			case <-changed:
			case <-timeout.C:
				return "", fmt.Errorf("was waited for %v", p.patience)
			}
		case matches(line):
			return line, nil
		default: // others may come for ever
			select {
			case <-timeout.C:
				return "", fmt.Errorf("was waited for %v", p.patience)
			default:
			}
		}
	}
}

// Ready waits for the first line, which begins with "ready", and returns the words after that: the endpoints that were bound, say. A
// program that ends before fails the test at once.
func (p *Process) Ready() []string {
	p.t.Helper()
	words := strings.Fields(p.Find("line with ready", func(string) bool { return true }))
	if len(words) == 0 || words[0] != "ready" {
		p.fatalf("%s said %q instead of ready", p.name, words)
	}
	return words[1:]
}
