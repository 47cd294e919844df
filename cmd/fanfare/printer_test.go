package main

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/topic"
)

func line(text string) event { return topic.NewEvent([]byte(text), topic.Metadata{Topic: "a"}) }

func TestPrinterShowsEachLineAtOnce(t *testing.T) {
	t.Parallel()
	out := newOutput(t)
	p := newPrinter(out, asPayload, 0)
	for _, text := range []string{"one", "two"} {
		if err := p.handle(context.Background(), line(text)); err != nil {
			t.Fatal(err)
		}
		out.line(text) // before anything else happens
	}
	if err := p.finish(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestPrinterEndsAfterCount(t *testing.T) {
	t.Parallel()
	out := newOutput(t)
	p := newPrinter(out, asPayload, 2)
	for _, text := range []string{"one", "two", "three"} {
		if err := p.handle(context.Background(), line(text)); err != nil {
			t.Fatal(err)
		}
	}
	<-p.ended
	if got := out.String(); got != "one\ntwo\n" {
		t.Errorf("printed %q, want two lines", got)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestPrinterEndsWithItsWriter(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	p := newPrinter(brokenWriter{broken}, asPayload, 0)
	for range 2 * printQueue { // more than fit: handle must not wait for a printer that has ended
		if err := p.handle(context.Background(), line("x")); err != nil {
			t.Fatal(err)
		}
	}
	<-p.ended
	if !errors.Is(p.err, broken) {
		t.Errorf("ended with %v, want %v", p.err, broken)
	}
}
