package bustest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestPublisherIsLikeATrueOne compares what is published with what a subscription of a bus gets.
func TestPublisherIsLikeATrueOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keyed := orders.WithKey(func(v string) string { return "key of " + v })
		b := bustest.New(t)
		rec := bustest.Record(t, b, keyed)
		pub, err := publisher.New(b, keyed, nil)
		if err != nil {
			t.Fatal(err)
		}
		fake := bustest.NewPublisher(t, keyed)
		for _, p := range []publisher.Interface[string]{pub, fake} {
			if err := p.Publish(t.Context(), "first", publisher.Header("tenant", "acme"), publisher.ID("1")); err != nil {
				t.Fatal(err)
			}
			if err := p.Publish(t.Context(), "second", publisher.Key("own")); err != nil {
				t.Fatal(err)
			}
			if n, err := p.PublishBatch(t.Context(), []string{"third", "fourth"}); n != 2 || err != nil {
				t.Fatal(n, err)
			}
		}
		want, got := rec.Wait(4), fake.Published()
		if len(got) != len(want) {
			t.Fatalf("published: %v, want %v", got, want)
		}
		for i, w := range want {
			g := got[i]
			if g.Value != w.Value || g.Topic() != w.Topic() || g.Seq() != w.Seq() || g.Key() != w.Key() || !g.Time().Equal(w.Time()) ||
				!maps.Equal(maps.Collect(g.Headers()), maps.Collect(w.Headers())) {
				t.Errorf("got %v with key %q, headers %v; want %v", g, g.Key(), maps.Collect(g.Headers()), w)
			}
			if own := w.ID() == "1"; own != (g.ID() == "1") || g.ID() == "" || !own && g.ID() == w.ID() {
				t.Errorf("%v has ID %q, beside %q", g, g.ID(), w.ID())
			}
		}
	})
}

// TestPublisherRefusesWhatATrueOneDoes before the script has anything to do with it.
func TestPublisherRefusesWhatATrueOneDoes(t *testing.T) {
	t.Parallel()
	fake := bustest.NewPublisher(t, orders)
	err := fake.Publish(t.Context(), "first", publisher.Header("Tenant", "acme"))
	if refused, ok := errors.AsType[*publisher.AttributeError](err); !ok || refused.Name != "Tenant" {
		t.Errorf("got %v", err)
	}
	if len(fake.Published()) != 0 || len(fake.Seen()) != 0 {
		t.Errorf("published: %v, seen: %v", fake.Published(), fake.Seen())
	}
}

func TestPublisherFollowsItsScript(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bustest.NewPublisher(t, orders, bustest.FailTimes(2, errScripted), bustest.Take(time.Second), bustest.Panic("boom"), bustest.Fail(errScripted))
		ctx := t.Context()
		for i, want := range []error{errScripted, errScripted, nil} {
			if err := fake.Publish(ctx, "first"); err != want {
				t.Errorf("attempt %d: %v", i+1, err)
			}
		}
		begin := time.Now()
		if err := fake.Publish(ctx, "second"); err != nil || time.Since(begin) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		func() {
			defer func() {
				if v := recover(); v != "boom" {
					t.Errorf("recovered %v", v)
				}
			}()
			t.Errorf("Publish returns %v", fake.Publish(ctx, "third"))
		}()
		if n, err := fake.PublishBatch(ctx, []string{"fourth", "fifth"}); n != 0 || !errors.Is(err, errScripted) {
			t.Errorf("%d published, %v", n, err)
		}
		if got, want := described(fake.Published()), []string{"orders.created#1 first", "orders.created#2 second"}; !slices.Equal(got, want) {
			t.Errorf("published: %q, want %q", got, want)
		}
		if seen := fake.Seen(); len(seen) != 6 || seen[1].Err != errScripted || seen[1].Event.Seq() != 0 || seen[2].Number != 3 || seen[2].Event.ID() == "" {
			t.Errorf("seen: %v", seen)
		}
	})
}

// TestPublisherKnowsEventsByTheirOwnIDs has two that are published in turns.
func TestPublisherKnowsEventsByTheirOwnIDs(t *testing.T) {
	t.Parallel()
	fake := bustest.NewPublisher(t, orders, bustest.FailTimes(1, errScripted), bustest.FailTimes(2, errScripted))
	for i, tc := range []struct {
		id   string
		want error
	}{{"a", errScripted}, {"b", errScripted}, {"a", nil}, {"b", errScripted}, {"b", nil}} {
		if err := fake.Publish(t.Context(), tc.id, publisher.ID(tc.id)); err != tc.want {
			t.Errorf("attempt %d: %v, want %v", i, err, tc.want)
		}
	}
	if got, want := described(fake.Published()), []string{"orders.created#1 a", "orders.created#2 b"}; !slices.Equal(got, want) {
		t.Errorf("published: %q, want %q", got, want)
	}
}

// TestBlockedPublish publishes when it is released, unless its context has ended.
func TestBlockedPublish(t *testing.T) {
	t.Parallel()
	fake := bustest.NewPublisher(t, orders, bustest.Always(bustest.Block()))
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- fake.Publish(ctx, "given up") }()
	fake.WaitRunning(1)
	cancel()
	if err := <-result; err != context.Canceled {
		t.Errorf("got %v", err)
	}
	go func() { result <- fake.Publish(context.Background(), "released") }()
	fake.WaitRunning(1)
	if published := fake.Published(); len(published) != 0 {
		t.Errorf("published: %v", published)
	}
	fake.Release()
	if got, want := described(fake.Wait(1)), []string{"orders.created#1 released"}; !slices.Equal(got, want) {
		t.Errorf("published: %q, want %q", got, want)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// TestPublishedIsInOrder has the second one published while the first is blocked.
func TestPublishedIsInOrder(t *testing.T) {
	t.Parallel()
	fake := bustest.NewPublisher(t, orders, bustest.Block())
	result := make(chan error)
	go func() { result <- fake.Publish(context.Background(), "slow") }()
	fake.WaitRunning(1)
	if err := fake.Publish(t.Context(), "quick"); err != nil {
		t.Error(err)
	}
	fake.Release()
	want := []string{"orders.created#1 quick", "orders.created#2 slow"}
	if got := described(fake.Wait(2)); !slices.Equal(got, want) {
		t.Errorf("Wait returns %q, want %q", got, want)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if got := described(fake.Published()); !slices.Equal(got, want) {
		t.Errorf("published: %q, want %q", got, want)
	}
	if seen := fake.Seen(); seen[0].Event.Value != "slow" {
		t.Errorf("seen: %v", seen)
	}
}

func TestFailuresOfPublishers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body func(t testing.TB)
		want string
	}{
		"Wait": {func(t testing.TB) {
			fake := bustest.NewPublisher(t, orders, bustest.FailTimes(1, errScripted))
			if err := fake.Publish(t.Context(), "first"); err != errScripted {
				t.Errorf("got %v", err)
			}
			if err := fake.Publish(t.Context(), "first"); err != nil {
				t.Errorf("got %v", err)
			}
			fake.Wait(2)
		}, "1 of 2 events were published after 10s; seen:" +
			"\n\t+0s orders.created#0 first, attempt 1: failed in 0s: no stock left" +
			"\n\t+0s orders.created#1 first, attempt 2: succeeded in 0s"},
		"unused": {func(t testing.TB) { bustest.NewPublisher(t, orders, bustest.Fail(errScripted)) },
			"the fake publisher of \"orders.created\": 1 of 1 behaviours were not used, Fail(no stock left); nothing was called"},
		"no topic": {func(t testing.TB) { bustest.NewPublisher(t, topic.Topic[string]{}) },
			`a publisher of "": publisher.New topic is "", it must be one made by package topic, with a codec`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if failures := faketb.Run(t, tc.body).Failures; failures != tc.want {
					t.Errorf("failures %q, want %q", failures, tc.want)
				}
			})
		})
	}
}
