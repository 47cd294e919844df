package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

// output is what a command has written so far.
type output struct {
	t testing.TB

	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newOutput(t testing.TB) *output { return &output{t: t, changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(p)
}

// String returns everything written so far.
func (o *output) String() string {
	text, _ := o.state()
	return text
}

func (o *output) state() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

// line waits for a complete line with that text in it, and returns it.
func (o *output) line(with string) string {
	o.t.Helper()
	var found string
	o.wait("a line with "+with, func(lines []string) bool {
		for _, line := range lines {
			if strings.Contains(line, with) {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// lines waits for n complete lines and returns all there are.
func (o *output) lines(n int) []string {
	o.t.Helper()
	var all []string
	o.wait("enough lines", func(lines []string) bool {
		all = lines
		return len(lines) >= n
	})
	return all
}

// records waits for n lines and returns all there are as JSON objects.
func (o *output) records(n int) []map[string]any {
	o.t.Helper()
	var records []map[string]any
	for _, line := range o.lines(n) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			o.t.Fatalf("line %q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// wait waits until the complete lines written are enough.
func (o *output) wait(what string, enough func(lines []string) bool) {
	o.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		text, changed := o.state()
		lines := strings.Split(text, "\n")
		if enough(lines[:len(lines)-1]) {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			o.t.Fatalf("never: %s; written:\n%s", what, text)
		}
	}
}
