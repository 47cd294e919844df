package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

func TestOverlappingPrefixesPrintOnce(t *testing.T) {
	t.Parallel()
	sub := start(t, "sub", "--bind", anyPort, "--prefix", "a.b", "--prefix", "a.", "--prefix", "a.", "--prefix", "c", "--count", "3", "--raw")
	endpoint := sub.endpoint()
	for _, name := range []string{"a.b", "a.c", "c"} {
		start(t, "pub", "--connect", endpoint, name, "on "+name).exits(exitDone)
	}
	sub.exits(exitDone)
	for _, want := range []string{"on a.b\n", "on a.c\n", "on c\n"} {
		if strings.Count(sub.stdout.String(), want) != 1 {
			t.Errorf("printed\n%swant %q once", sub.stdout, want)
		}
	}
}

func TestSubTimeout(t *testing.T) {
	t.Parallel()
	t.Run("with count", func(t *testing.T) {
		t.Parallel()
		i := start(t, "sub", "--connect", absent(t), "--count", "2", "--timeout", "50ms")
		i.exits(exitTimeout)
		for _, want := range []string{"timeout after 50ms", "0 of 2 events", "not connected"} {
			if !strings.Contains(i.stderr.String(), want) {
				t.Errorf("stderr is %q, want %q in it", i.stderr, want)
			}
		}
	})
	t.Run("without count", func(t *testing.T) {
		t.Parallel()
		start(t, "sub", "--bind", anyPort, "--timeout", "50ms").exits(exitDone)
	})
}

// TestDrain ends the command while stdout is held up: what was received must be printed all the same.
func TestDrain(t *testing.T) {
	t.Parallel()
	const events = 500
	b := bustest.New(t)
	pub, err := publisher.New(b, topic.New[[]byte]("a").WithCodec(codec.Raw), nil)
	if err != nil {
		t.Fatal(err)
	}
	selectors, err := prefixes(nil).selectors()
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	stdout, w := io.Pipe() // nothing can be written before it is read
	ended := make(chan error, 1)
	go func() {
		ended <- (&subscribe{Raw: true}).print(ctx, b, selectors, w)
		_ = w.Close()
	}()
	if err := pub.WaitSubscribers(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	for range events {
		if err := pub.Publish(context.Background(), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	printed, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v, want nil", err)
	}
	if got := strings.Count(string(printed), "x\n"); got != events {
		t.Errorf("printed %d events, want %d", got, events)
	}
}

func TestReaderGone(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	pub, err := publisher.New(b, topic.New[[]byte]("a").WithCodec(codec.Raw), nil)
	if err != nil {
		t.Fatal(err)
	}
	stdout, w := io.Pipe()
	_ = stdout.Close()
	ended := make(chan error, 1)
	selectors, err := prefixes(nil).selectors()
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- (&subscribe{}).print(context.Background(), b, selectors, w) }()
	if err := pub.WaitSubscribers(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(context.Background(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v, want nil", err)
	}
}
