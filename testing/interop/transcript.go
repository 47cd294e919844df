package interop

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"
)

const (
	// longestLine is the longest line that a process may print, in bytes.
	longestLine = 8 << 20
	// A running process has to wait when so much of its output was not read.
	unreadLines, unreadBytes = 1024, 8 << 20
	// So much of its output is kept, read or not. It is more than the above and what a pipe holds (64 KiB) together.
	keptLines, keptBytes = 100_000, 16 << 20
)

// transcript is the standard output of a process, of which one reads the lines in turn, and others the last of all. The zero transcript
// is not ready to use: see newTranscript.
type transcript struct {
	mu      sync.Mutex
	changed chan struct{} // closed when something below changes, and then another one
	lines   []string
	size    int // bytes of lines
	before  int // lines that were forgotten
	next    int // the first of lines that was not read
	unread  int // bytes of those that were not read
	missed  int // lines that were forgotten before they were read
	free    bool
	ended   bool
	err     error // why it has ended before the output has
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// record takes the lines from r until it ends.
func (s *transcript) record(r io.Reader) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, longestLine)
	for scanner.Scan() {
		s.add(scanner.Text())
	}
	s.change(func() { s.ended, s.err = true, scanner.Err() })
	_, _ = io.Copy(io.Discard, r) // after a line that is too long, so that nobody waits for us
}

// change calls f with the lock, and tells those who wait.
func (s *transcript) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// release ends the waiting of a process for its reader, for good: the oldest lines are forgotten instead, and counted.
func (s *transcript) release() { s.change(func() { s.free = true }) }

// add waits for room, and adds a line.
func (s *transcript) add(line string) {
	for {
		s.mu.Lock()
		full, changed := !s.free && (len(s.lines)-s.next >= unreadLines || s.unread >= unreadBytes), s.changed
		s.mu.Unlock()
		if !full {
			break
		}
		<-changed
	}
	s.change(func() {
		s.lines = append(s.lines, line)
		s.size += len(line)
		s.unread += len(line)
		for len(s.lines) > keptLines || s.size > keptBytes {
			s.forget()
		}
	})
}

// forget forgets the oldest line.
func (s *transcript) forget() {
	s.before++
	s.size -= len(s.lines[0])
	if s.next > 0 {
		s.next--
	} else {
		s.missed++
		s.unread -= len(s.lines[0])
	}
	s.lines[0] = "" // the array stays for a while
	s.lines = s.lines[1:]
}

// take takes the next line, if there is one. Otherwise it returns what is closed when there may be, or an error if there will be none:
// io.EOF after the last line.
func (s *transcript) take() (line string, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.missed > 0:
		return "", nil, fmt.Errorf("%d lines were forgotten before the test read them", s.missed)
	case s.next < len(s.lines):
	case s.err != nil:
		return "", nil, s.err
	case s.ended:
		return "", nil, io.EOF
	default:
		return "", s.changed, nil
	}
	line = s.lines[s.next]
	s.next++
	s.unread -= len(line)
	close(s.changed)
	s.changed = make(chan struct{})
	return line, nil, nil
}

// kept returns the lines that are kept, and how many there were before them.
func (s *transcript) kept() (lines []string, before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines), s.before
}

// overflow returns why a transcript has ended before the output has: a line was too long, or the process has ended and some other one that
// it started still holds its output.
func (s *transcript) overflow() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
