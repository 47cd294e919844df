package interop

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// A process waits for its reader when it is far ahead, by lines or by bytes, until it is released.
func TestTranscriptHoldsBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line string
		n    int // lines that there is room for
	}{"lines": {"", unreadLines}, "bytes": {strings.Repeat("a", unreadBytes/4), 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTranscript()
				go s.record(strings.NewReader(strings.Repeat(tc.line+"\n", tc.n+3)))
				for taken := range 2 {
					synctest.Wait()
					if lines, before := s.kept(); len(lines) != tc.n+taken || before != 0 {
						t.Errorf("%d lines after %d, %d taken", len(lines), before, taken)
					}
					if line, _, err := s.take(); line != tc.line || err != nil {
						t.Errorf("%.9q, %v", line, err)
					}
				}
				s.release()
				synctest.Wait()
				for range tc.n + 1 {
					if line, changed, err := s.take(); line != tc.line || changed != nil || err != nil {
						t.Fatalf("%.9q, %v", line, err)
					}
				}
				if _, _, err := s.take(); !errors.Is(err, io.EOF) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// What is kept has a limit in bytes as well.
func TestTranscriptForgets(t *testing.T) {
	t.Parallel()
	s := newTranscript()
	s.release()
	line := strings.Repeat("a", longestLine/4)
	s.record(strings.NewReader(strings.Repeat(line+"\n", 20)))
	if lines, before := s.kept(); len(lines) != keptBytes/len(line) || before != 20-len(lines) || s.size != keptBytes || s.unread != keptBytes {
		t.Errorf("%d lines after %d, %d bytes, %d unread", len(lines), before, s.size, s.unread)
	}
}
