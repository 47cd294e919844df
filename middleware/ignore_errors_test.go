package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

var errKnown = errors.New("known already")

func TestIgnoreErrors(t *testing.T) {
	t.Parallel()
	var asked []error
	ignoring := map[string]bus.Middleware{
		"one":      middleware.IgnoreErrors(errKnown),
		"several":  middleware.IgnoreErrors(context.Canceled, errKnown),
		"filtered": middleware.IgnoreErrors(errKnown, bus.ErrFiltered),
		"func": middleware.IgnoreErrorsFunc(func(err error) bool {
			asked = append(asked, err)
			return strings.Contains(err.Error(), "known")
		}),
	}
	for name, m := range ignoring {
		b := bustest.New(t)
		for _, tc := range []struct {
			err     error
			ignored bool
		}{
			{nil, false},
			{errNoStock, false},
			{bus.ErrFiltered, false},
			{errors.Join(errKnown, bus.ErrFiltered), false},
			{errKnown, true},
			{fmt.Errorf("order 7: %w", errKnown), true},
		} {
			fail := bus.Wrap("fail", func(bus.Handler) bus.Handler {
				return func(context.Context, *bus.Message) error { return tc.err }
			})
			want := tc.err
			if tc.ignored {
				want = nil
			}
			if got := publish(t, b, "first", m, fail); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	}
	if len(asked) != 3 {
		t.Errorf("the function was asked about %v", asked)
	}
}

// TestIgnoreErrorsIsVisible checks that what is ignored counts as a success, and is logged and counted where it was ignored.
func TestIgnoreErrorsIsVisible(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		ignore := middleware.IgnoreErrors(errKnown)
		first := handle(t, b, func(string) error { return errKnown }, ignore)
		second := handle(t, b, func(string) error { return errKnown }, ignore)
		if err := publish(t, b, "first"); err != nil {
			t.Fatal(err)
		}
		if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
			t.Error(err)
		}
		if one, two := first.Stats(), second.Stats(); one.Succeeded != 1 || two.Succeeded != 1 {
			t.Errorf("stats %+v and %+v", one, two)
		}
		entries := logged()
		if len(entries) != 2 || entries[0].Ignored+entries[1].Ignored != 1+2 {
			t.Fatalf("log %+v", entries)
		}
		for _, got := range entries {
			if got.Ignored = 0; got != (entry{Level: "debug", Message: "error ignored", Topic: "orders.created", Seq: 1, Error: "known already"}) {
				t.Errorf("log %+v", got)
			}
		}
	})
}

func TestIgnoreErrorsRefusesOptions(t *testing.T) {
	t.Parallel()
	checkRefused(t, middleware.IgnoreErrors(), "middleware.IgnoreErrors errs")
	checkRefused(t, middleware.IgnoreErrors(errKnown, nil), "middleware.IgnoreErrors errs")
	checkRefused(t, middleware.IgnoreErrorsFunc(nil), "middleware.IgnoreErrorsFunc ignore")
}

// TestIgnoredErrorsHaveNoReply has servers that return something with their error.
func TestIgnoredErrorsHaveNoReply(t *testing.T) {
	t.Parallel()
	all := middleware.IgnoreErrorsFunc(func(error) bool { return true })
	for name, o := range map[string]bus.Options{
		"by the server": {Subscribe: []bus.Middleware{all}},
		"by the client": {Publish: []bus.Middleware{all}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if reply, err := ask(t, bustest.New(t, &o), func() (string, error) { return "two euros, or so", errNoStock }); reply != "" || err != nil {
				t.Errorf("%q, %v", reply, err)
			}
		})
	}
}
