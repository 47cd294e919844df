package publisher_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// before returns middleware that does something to a message on its way in.
func before(do func(m *bus.Message) error) bus.Middleware {
	return bus.Wrap("before", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := do(m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	})
}

// setHeader returns middleware that sets one header.
func setHeader(name, value string) bus.Middleware {
	return before(func(m *bus.Message) error { return m.SetHeader(name, value) })
}

// setPayload returns middleware that replaces the encoded event.
func setPayload(payload string) bus.Middleware {
	return before(func(m *bus.Message) error {
		m.SetPayload([]byte(payload))
		return nil
	})
}

// TestMiddlewareChangesEvents checks that what publish middleware sets is seen everywhere: by subscriptions of the same Go type, by
// those of another type, and on the wire.
func TestMiddlewareChangesEvents(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		topic      topic.Topic[invoice]
		attributes list
		middleware []bus.Middleware
		want       string
	}{
		"header":               {invoices, nil, []bus.Middleware{setHeader("a", "1")}, `#1 a=1 {"Cents":5,"Customer":"ada"}`},
		"header beside key":    {byCustomer, nil, []bus.Middleware{setHeader("a", "1")}, `#1 key=ada a=1 {"Cents":5,"Customer":"ada"}`},
		"header of publisher":  {invoices, list{publisher.Header("a", "0")}, []bus.Middleware{setHeader("a", "1")}, `#1 a=1 {"Cents":5,"Customer":"ada"}`},
		"header beside others": {invoices, list{publisher.ID("7"), publisher.Header("b", "0")}, []bus.Middleware{setHeader("a", "1")}, `#1 id=7 b=0 a=1 {"Cents":5,"Customer":"ada"}`},
		"reserved header":      {invoices, nil, []bus.Middleware{setHeader("traceparent", "00-1")}, `#1 traceparent=00-1 {"Cents":5,"Customer":"ada"}`},
		"payload":              {invoices, nil, []bus.Middleware{setPayload(`{"Cents":6,"Customer":"eve"}`)}, `#1 {"Cents":6,"Customer":"eve"}`},
		"both":                 {byCustomer, nil, []bus.Middleware{setHeader("a", "1"), setPayload(`{"Cents":6,"Customer":"eve"}`)}, `#1 key=ada a=1 {"Cents":6,"Customer":"eve"}`},
		"the innermost's":      {invoices, nil, []bus.Middleware{setPayload(`{"Cents":6,"Customer":"eve"}`), setPayload(`{"Cents":7,"Customer":"bob"}`)}, `#1 {"Cents":7,"Customer":"bob"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := observe(t, tc.topic.String())
				pub := newPublisher(t, o.bus, tc.topic, &publisher.Options{Middleware: tc.middleware})
				if err := pub.Publish(t.Context(), invoice{5, "ada"}, tc.attributes...); err != nil {
					t.Fatal(err)
				}
				o.expect(t, tc.want)
			})
		})
	}
}

// TestMiddlewareLeavesOtherEvents checks that changes end with the event: messages are used again, and origins shared.
func TestMiddlewareLeavesOtherEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := true
		once := before(func(m *bus.Message) error {
			if !first {
				return nil
			}
			first = false
			m.SetPayload([]byte(`{"Cents":6,"Customer":"eve"}`))
			return m.SetHeader("a", "1")
		})
		o := observe(t, byCustomer.String(), once)
		pub := newPublisher(t, o.bus, byCustomer, nil)
		if _, err := pub.PublishBatch(t.Context(), []invoice{{5, "ada"}, {5, "ada"}}); err != nil {
			t.Fatal(err)
		}
		o.expect(t, `#1 key=ada a=1 {"Cents":6,"Customer":"eve"}`, `#2 key=ada {"Cents":5,"Customer":"ada"}`)
	})
}

// TestMiddlewareSetsTheContentType has a middleware that changes the encoding, as compression does.
func TestMiddlewareSetsTheContentType(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, invoices.String(), setHeader("content-type", "application/json; v=2"))
		if err := newPublisher(t, o.bus, invoices, nil).Publish(t.Context(), invoice{5, "ada"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := []string{o.typed.All()[0].Header("content-type"), o.other.All()[0].Header("content-type"), parse(t, o.tap.messages()[0]).Header("content-type")}
		if want := "application/json; v=2 application/json; v=2 application/json; v=2"; strings.Join(got, " ") != want {
			t.Errorf("got %q, want %s", got, want)
		}
	})
}

// TestAnotherGoType has no type in common: text is published, a middleware makes an invoice of it, and invoices are subscribed to.
func TestAnotherGoType(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{setPayload(`{"Cents":6,"Customer":"eve"}`), setHeader("a", "1")}})
		got := bustest.Record(t, b, invoices)
		if err := newPublisher(t, b, topic.New[string](invoices.String()), nil).Publish(t.Context(), "five for ada"); err != nil {
			t.Fatal(err)
		}
		if got, want := describe(got.Wait(1)[0]), `#1 a=1 {"Cents":6,"Customer":"eve"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestPayloadThatDoesNotDecode checks that a payload that fits no subscription of the same type fails there, and only there.
func TestPayloadThatDoesNotDecode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, invoices.String(), setPayload(`"text"`))
		if err := newPublisher(t, o.bus, invoices, nil).Publish(t.Context(), invoice{5, "ada"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := o.typed.Subscription().Stats(); s.Failed != 1 || s.Succeeded != 0 {
			t.Errorf("the same type: stats %+v", s)
		}
		if got := fmt.Sprint(o.other.Wait(1)); got != "[invoices.sent#1 text]" {
			t.Errorf("another type: %s", got)
		}
	})
}

// TestMiddlewareSees checks what a message tells before and after it was published.
func TestMiddlewareSees(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		look := func(m *bus.Message) {
			payload, err := m.Payload()
			seen = append(seen, fmt.Sprintf("%s#%d %q %s %s %s %v", m.Topic(), m.Seq(), m.ID(), m.Key(), m.Header("a"), payload, err))
		}
		b := bustest.New(t)
		pub := newPublisher(t, b, byCustomer, &publisher.Options{Middleware: []bus.Middleware{
			bus.Wrap("look", func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					look(m)
					defer look(m)
					return next(ctx, m)
				}
			}),
		}})
		if err := pub.Publish(t.Context(), invoice{5, "ada"}, publisher.Header("a", "1"), publisher.ID("7")); err != nil {
			t.Fatal(err)
		}
		want := []string{
			`invoices.sent#0 "7" ada 1 {"Cents":5,"Customer":"ada"} <nil>`,
			`invoices.sent#1 "7" ada 1 {"Cents":5,"Customer":"ada"} <nil>`,
		}
		if strings.Join(seen, "\n") != strings.Join(want, "\n") {
			t.Errorf("got  %q\nwant %q", seen, want)
		}
	})
}

var errNotToday = errors.New("not today")

// TestMiddlewareRefuses checks that after an error of the chain there is nothing but a count: the next event is the first.
func TestMiddlewareRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refuse bus.Middleware
		want   string
	}{
		"error":           {before(func(*bus.Message) error { return errNotToday }), "not today"},
		"bad header name": {setHeader("Tenant", "1"), `bus: property name "Tenant" is not in lower case`},
		"the key":         {setHeader("key", "k"), `bus: header "key" is set when publishing, not later`},
		"the ID":          {setHeader("id", "7"), `bus: header "id" is set when publishing, not later`},
		"large header":    {setHeader("name", strings.Repeat("v", maxText-8)), `publisher: attribute "(all)": 64987 bytes in all, the limit is 64986`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := observe(t, invoices.String())
				pub := newPublisher(t, o.bus, invoices, &publisher.Options{Middleware: []bus.Middleware{tc.refuse}})
				if err := pub.Publish(t.Context(), invoice{5, "ada"}); err == nil || err.Error() != tc.want {
					t.Errorf("got  %v\nwant %s", err, tc.want)
				}
				o.expect(t)
				if s := o.bus.Stats(); s.Refused != 1 || s.Published != 0 {
					t.Errorf("stats %+v, want 1 refused and 0 published", s)
				}
				if err := newPublisher(t, o.bus, invoices, nil).Publish(t.Context(), invoice{6, "bob"}); err != nil {
					t.Fatal(err)
				}
				o.expect(t, `#1 {"Cents":6,"Customer":"bob"}`)
			})
		})
	}
}

// TestMiddlewareSwallows has a middleware that neither calls next nor returns an error: the event is gone, by its decision.
func TestMiddlewareSwallows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		swallow := bus.Wrap("swallow", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if m.Key() == "ada" {
					return nil
				}
				return next(ctx, m)
			}
		})
		o := observe(t, byCustomer.String(), swallow)
		if n, err := newPublisher(t, o.bus, byCustomer, nil).PublishBatch(t.Context(), []invoice{{5, "ada"}, {6, "bob"}}); n != 2 || err != nil {
			t.Errorf("%d were accepted, %v", n, err)
		}
		o.expect(t, `#1 key=bob {"Cents":6,"Customer":"bob"}`)
		if s := o.bus.Stats(); s.Published != 1 || s.Refused != 0 {
			t.Errorf("stats %+v, want 1 published and 0 refused", s)
		}
	})
}
