package bus_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

var (
	alpha = uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000001")
	beta  = uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000002")
)

// remote runs test in a bubble, with a bus on a fake transport and the notices of the bus.
func remote(t *testing.T, test func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFakeTransport()
		b := bustest.New(t, &bus.Options{Transport: f})
		var all []bus.Notice
		b.Notices(func(n bus.Notice) { all = append(all, n) })
		test(t, b, f, func() []bus.Notice {
			synctest.Wait()
			return all
		})
	})
}

// Sentence 6: the source is the bus, sequences are per topic from 1, assigned after the publish middleware and in the order of the
// transport. What the transport refuses has used none, and was delivered to nobody.
func TestPublishThroughTransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		refused := topic.New[int]("refused")
		var number uint64
		look := bus.Wrap("look", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				err := next(ctx, m)
				number = m.Seq()
				return err
			}
		})
		local := bustest.Record(t, b, topic.NewPrefix[int](""))
		looking, err := publisher.New(b, refused, &publisher.Options{Middleware: []bus.Middleware{look}})
		if err != nil {
			t.Fatal(err)
		}
		if err := looking.Publish(t.Context(), 1); !errors.Is(err, errRefused) || number != 0 {
			t.Fatalf("%v, with the number %d", err, number)
		}
		p := newPublisher(t, b, numbers)
		if err := p.Publish(t.Context(), 1, publisher.Header("tenant", "acme")); err != nil {
			t.Fatal(err)
		}
		plain, err := publisher.New(b, numbers, &publisher.Options{Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, t.Context(), plain, 2)
		if got := local.Wait(2); len(local.All()) != 2 || got[1].Value != 2 || got[1].Seq() != 0 {
			t.Errorf("local subscription got %v", got)
		}
		sent := f.sent()
		if len(sent) != 2 || !sent[1].Plain || sent[1].Envelope != nil || sent[0].Plain || string(sent[1].Payload[0]) != "2" {
			t.Fatalf("sent %+v", sent)
		}
		publish(t, t.Context(), p, 3)
		sent = f.sent()
		for i, m := range map[int]transport.Message{1: sent[0], 2: sent[2]} { // the plain one has no number that anybody could miss
			h, err := envelope.Parse(m.Envelope)
			if err != nil || h.Source != b.Source() || h.Seq != uint64(i) || m.Topic != "numbers" {
				t.Errorf("message %d: %+v, %v", i, h, err)
			}
		}
		h, _ := envelope.Parse(sent[0].Envelope)
		if tenant, _ := envelope.Lookup(h.Properties, "tenant"); tenant != "acme" {
			t.Errorf("header tenant is %q", tenant)
		}
		if s := b.Stats(); s.Published != 3 || s.Refused != 1 {
			t.Errorf("%+v, want 3 published, 1 refused", s)
		}
	})
}

// Plain peers carry neither source nor sequence. A message without a topic goes to prefixes alone, and the prefix is its topic.
func TestPlainPeers(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		weather := bustest.Record(t, b, topic.NewPrefix[string]("10001").WithCodec(codec.String))
		wide := bustest.Record(t, b, topic.NewPrefix[string]("100").WithCodec(codec.String))
		exact := bustest.Record(t, b, topic.New[string]("10001").WithCodec(codec.String))
		f.incoming <- transport.Message{Bare: true, Payload: [][]byte{[]byte("10001 -5 43")}}
		f.incoming <- transport.Message{Bare: true, Payload: [][]byte{[]byte("2")}}
		f.incoming <- transport.Message{Topic: "10001", Payload: [][]byte{[]byte("two "), []byte("frames")}}
		got := weather.Wait(2)
		if e := got[0]; e.Value != "10001 -5 43" || e.Topic() != "10001" || e.Seq() != 0 || e.Source() != uuid.Nil || e.ID() != "" || !e.Time().IsZero() {
			t.Errorf("bare message: %v from %v", e, e.Source())
		}
		if got[1].Value != "two frames" {
			t.Errorf("got %v", got[1])
		}
		if e := wide.Wait(2)[0]; e.Topic() != "100" {
			t.Errorf("the wide prefix saw the topic %q", e.Topic())
		}
		if all := exact.Wait(1); len(exact.All()) != 1 || all[0].Value != "two frames" {
			t.Errorf("the exact topic got %v", exact.All())
		}
		if s := b.Stats(); s.Unmatched != 1 || len(notices()) > 0 {
			t.Errorf("%+v, notices %v; want 1 unmatched and no notice", s, notices())
		}
	})
}

// Bad input from peers is counted and logged, and disturbs nothing else.
func TestBadInput(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		r := bustest.Record(t, b, numbers)
		newer := envelope.Append(nil, &envelope.Meta{Origin: &envelope.Origin{Source: alpha}, Seq: 1})
		newer[4] = 2
		f.incoming <- transport.Message{Topic: "numbers", Envelope: newer, Payload: [][]byte{[]byte("1")}}
		f.receive(alpha, 1, "numbers", "not a number")
		f.receive(alpha, 2, "numbers", "2")
		if got := r.Wait(1); got[0].Value != 2 {
			t.Errorf("got %v", got)
		}
		if s := b.Stats(); s.BadEnvelopes != 1 {
			t.Errorf("%+v, want 1 bad envelope", s)
		}
		if s := r.Subscription().Stats(); s.Failed != 1 || s.Succeeded != 1 {
			t.Errorf("%+v, want 1 failed, 1 succeeded", s)
		}
	})
}

// Sentence 3: by default events from a transport drop the oldest one, and never one that was published under Block on this bus.
func TestRemoteEventsDropOldestByDefault(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		bustest.AllowUndelivered(t, b)
		release := make(chan struct{})
		var got []int
		s := subscribe(t, b, numbers, func(_ context.Context, e topic.Event[int]) error {
			<-release
			got = append(got, e.Value)
			return nil
		}, &subscriber.Options{Queue: 4})
		p := newPublisher(t, b, numbers)
		publish(t, t.Context(), p, 0)
		synctest.Wait() // 0 is being handled
		f.receive(alpha, 1, "numbers", "1")
		synctest.Wait()
		publish(t, t.Context(), p, 2, 3)
		for i := range uint64(3) {
			f.receive(alpha, 2+i, "numbers", string(rune('4'+i)))
		}
		synctest.Wait()
		if stats := s.Stats(); stats.Dropped != 2 || stats.Queued != 4 {
			t.Errorf("%+v, want 2 dropped, 4 queued", stats)
		}
		if err := p.Publish(within(t, time.Second), 7); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a local event found room: %v", err)
		}
		close(release)
		synctest.Wait()
		if want := []int{0, 2, 3, 5, 6}; !slices.Equal(got, want) {
			t.Errorf("handled %v, want %v", got, want)
		}
		balance(t, s.Stats())
	})
}

// Sentence 3: with Block, events from a transport wait, so that the transport is not read on.
func TestRemoteEventsCanBlock(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		release := make(chan struct{})
		s := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			<-release
			return nil
		}, &subscriber.Options{Name: "full", Queue: 1, Overflow: bus.Block})
		for i := range uint64(10) {
			f.receive(alpha, 1+i, "numbers", "1")
			synctest.Wait()
		}
		time.Sleep(2 * time.Second) // virtual: the receiver has waited for longer than a second
		if left, stats := len(f.incoming), s.Stats(); left != 7 || stats.Matched != 2 {
			t.Errorf("%d messages unread, %+v; want 7, and 2 matched", left, stats)
		}
		if !slices.ContainsFunc(notices(), slowPublish("full", "numbers", 1)) {
			t.Errorf("notices %v, want that the receiver has waited for full", notices())
		}
		close(release)
		synctest.Wait()
		if stats := s.Stats(); stats.Succeeded != 10 || stats.Dropped != 0 {
			t.Errorf("%+v, want all 10", stats)
		}
	})
}

// Sentence 7: Ready waits for the transport, and its error lists what is missing; the waits count local and remote together.
func TestReadiness(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		s := bustest.Record(t, b, numbers).Subscription()
		p := newPublisher(t, b, numbers)
		f.set(func() { f.pending = []string{"tcp://stock:5555: not connected"} })
		var missing *bus.NotReadyError
		if err := s.Ready(within(t, time.Second)); !errors.As(err, &missing) || missing.Missing[0] != "tcp://stock:5555: not connected" {
			t.Fatal(err)
		}
		results := make(chan error)
		go func() { results <- s.Ready(context.Background()) }()
		go func() { results <- p.WaitSubscribers(context.Background(), 3) }()
		go func() { results <- s.WaitPublishers(context.Background(), 3) }()
		synctest.Wait()
		f.set(func() { f.pending = nil })
		if err := <-results; err != nil {
			t.Error(err)
		}
		f.set(func() { f.subscribers = 2 })
		if err := <-results; err != nil {
			t.Error(err)
		}
		f.set(func() { f.publishers = 2 })
		if err := <-results; err != nil {
			t.Error(err)
		}
	})
}

// Peers that come and go are notices.
func TestPeerNotices(t *testing.T) {
	remote(t, func(t *testing.T, _ *bus.Bus, f *fakeTransport, notices func() []bus.Notice) {
		peer := transport.Peer{Endpoint: "tcp://127.0.0.1:5555", Address: "127.0.0.1:40000", Role: "SUB"}
		f.events <- transport.Event{Up: true, Peer: peer}
		f.events <- transport.Event{Peer: peer, Err: errRefused}
		want := []bus.Notice{bus.PeerUp{Peer: peer}, bus.PeerDown{Peer: peer, Err: errRefused}}
		if got := notices(); !slices.Equal(got, want) {
			t.Errorf("notices %v, want %v", got, want)
		}
	})
}

// Peers that break the protocol are logged once for each cause, at level warn; those that never came up are no notice.
func TestBadPeersAreLoggedOncePerCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out).Level(zerolog.WarnLevel)
		f := newFakeTransport()
		b := bustest.New(t, &bus.Options{Transport: f, Logger: &log})
		b.Notices(func(n bus.Notice) {
			if _, down := n.(bus.PeerDown); !down {
				t.Errorf("notice %v", n)
			}
		})
		peer := transport.Peer{Endpoint: "tcp://127.0.0.1:5555", Address: "tcp://127.0.0.1:40000"}
		for range 3 {
			f.events <- transport.Event{Refused: true, Bad: true, Peer: peer, Err: errors.New("a frame of 1099511627776 bytes")}
			f.events <- transport.Event{Bad: true, Peer: peer, Err: errors.New("garbage")}
			f.events <- transport.Event{Peer: peer, Err: errors.New("an innocent end")}
		}
		synctest.Wait()
		log1, log2 := `"error":"a frame of 1099511627776 bytes","peer":"tcp://127.0.0.1:40000"`, `"error":"garbage"`
		if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, log1) || !strings.Contains(got, log2) {
			t.Errorf("log:\n%s", got)
		}
	})
}

// Sentence 9: what was received is delivered before the bus shuts down its transport, whose error is part of the DrainError.
func TestShutdownWithTransport(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTransport, _ func() []bus.Notice) {
		r := bustest.Record(t, b, numbers)
		p := newPublisher(t, b, words)
		subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
			time.Sleep(time.Second) // the handler's work, in virtual time
			return p.Publish(ctx, "answer")
		}, nil)
		f.receive(alpha, 1, "numbers", "1")
		r.Wait(1)
		sent := 0
		f.shutdown = func(context.Context) error {
			sent = len(f.sent())
			return errRefused
		}
		err := b.Shutdown(t.Context())
		var left *bus.DrainError
		if !errors.As(err, &left) || !errors.Is(err, errRefused) || sent != 1 {
			t.Errorf("%v; %d messages published before the transport was shut down", err, sent)
		}
	})
}
