package interop

import (
	"fmt"
	"strings"
)

const (
	accountLines = 20  // of each stream
	accountWidth = 200 // bytes of each line
)

// fatalf fails the test, and tells all that is known of the program.
func (p *Process) fatalf(format string, args ...any) {
	p.t.Helper()
	p.told.Store(true)
	p.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), p.account())
}

// account returns how the program is, and the last that it has written.
func (p *Process) account() string {
	l := p.life.Load()
	var b strings.Builder
	fmt.Fprintf(&b, "%s, process %d: %s\n", p.name, p.PID(), l.outcome())
	lines, before := l.stdout.kept()
	quote(&b, "standard output", lines, before)
	quote(&b, "standard error", strings.Split(strings.TrimSuffix(p.Stderr(), "\n"), "\n"), 0)
	return strings.TrimSuffix(b.String(), "\n")
}

// quote writes the last of the lines, after how many there are before it.
func quote(b *strings.Builder, what string, lines []string, before int) {
	lines = folded(lines)
	if old := len(lines) - accountLines; old > 0 {
		lines, before = lines[old:], before+old
	}
	if len(lines) == 0 || len(lines) == 1 && lines[0] == "" {
		fmt.Fprintf(b, "%s: nothing\n", what)
		return
	}
	fmt.Fprintf(b, "%s:\n", what)
	if before > 0 {
		fmt.Fprintf(b, "\t(%d lines before)\n", before)
	}
	for _, line := range lines {
		if rest := len(line) - accountWidth; rest > 0 {
			line = fmt.Sprintf("%s (%d bytes more)", strings.ToValidUTF8(line[:accountWidth], "\uFFFD"), rest)
		}
		fmt.Fprintf(b, "\t%s\n", line)
	}
}

// folded has one line for several in turn that are the same, such as those of a peer that says that nothing happens.
func folded(lines []string) (fold []string) {
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		line := lines[i]
		if n > 1 {
			line = fmt.Sprintf("%s (%d times)", line, n)
		}
		fold = append(fold, line)
		i += n
	}
	return fold
}
