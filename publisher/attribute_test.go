package publisher_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

var invoices = topic.New[invoice]("invoices.sent")

// byCustomer is the same topic, with keys.
var byCustomer = invoices.WithKey(func(i invoice) string { return i.Customer })

// newPublisher returns a publisher of t on b.
func newPublisher[T any](t *testing.T, b *bus.Bus, of topic.Topic[T], o *publisher.Options) *publisher.Publisher[T] {
	t.Helper()
	pub, err := publisher.New(b, of, o)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

// maxText is how long the properties of an event may be: 64 KiB, less the fixed part and room for the content type.
const maxText = 64<<10 - 38 - 512

type list = []publisher.Attribute

// TestAttributes checks that what a publisher says about an event arrives, at a subscription of the same Go type, at one of another
// type, and on the wire.
func TestAttributes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 255)
	largest := strings.Repeat("v", maxText-len("_name____"))
	for name, tc := range map[string]struct {
		topic      topic.Topic[invoice]
		attributes list
		want       string
	}{
		"none":                    {invoices, nil, ""},
		"headers in order":        {invoices, list{publisher.Header("b", "1"), publisher.Header("a", "2")}, " b=1 a=2"},
		"header twice":            {invoices, list{publisher.Header("a", "1"), publisher.Header("b", "2"), publisher.Header("a", "3")}, " b=2 a=3"},
		"empty header":            {invoices, list{publisher.Header("a", "")}, " a="},
		"any bytes":               {invoices, list{publisher.Header("größe", "\x00\xff")}, " größe=\x00\xff"},
		"longest name":            {invoices, list{publisher.Header(long, "1")}, " " + long + "=1"},
		"longest value":           {invoices, list{publisher.Header("name", largest)}, " name=" + largest},
		"ID":                      {invoices, list{publisher.ID("invoice-42")}, " id=invoice-42"},
		"ID twice":                {invoices, list{publisher.ID("1"), publisher.ID("2")}, " id=2"},
		"longest ID":              {invoices, list{publisher.ID(long)}, " id=" + long},
		"key":                     {invoices, list{publisher.Key("eve")}, " key=eve"},
		"key twice":               {invoices, list{publisher.Key("eve"), publisher.Key("bob")}, " key=bob"},
		"all":                     {invoices, list{publisher.Key("eve"), publisher.Header("a", "1"), publisher.ID("7")}, " id=7 key=eve a=1"},
		"topic's key":             {byCustomer, nil, " key=ada"},
		"topic's key and more":    {byCustomer, list{publisher.Header("a", "1")}, " key=ada a=1"},
		"key instead of topic's":  {byCustomer, list{publisher.Key("eve")}, " key=eve"},
		"no key instead of topic": {byCustomer, list{publisher.Key("")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := observe(t, tc.topic.String())
				if err := newPublisher(t, o.bus, tc.topic, nil).Publish(t.Context(), invoice{5, "ada"}, tc.attributes...); err != nil {
					t.Fatal(err)
				}
				o.expect(t, "#1"+tc.want+` {"Cents":5,"Customer":"ada"}`)
			})
		})
	}
}

// TestAttributesOfABatch checks that all events of a batch get the same ones, and that none leaks into the next publish.
func TestAttributesOfABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, byCustomer.String())
		pub := newPublisher(t, o.bus, byCustomer, nil)
		if n, err := pub.PublishBatch(t.Context(), []invoice{{5, "ada"}, {6, "bob"}}, publisher.Header("a", "1")); n != 2 || err != nil {
			t.Fatalf("%d were accepted, %v", n, err)
		}
		if err := pub.Publish(t.Context(), invoice{7, "eve"}); err != nil {
			t.Fatal(err)
		}
		o.expect(t,
			`#1 key=ada a=1 {"Cents":5,"Customer":"ada"}`,
			`#2 key=bob a=1 {"Cents":6,"Customer":"bob"}`,
			`#3 key=eve {"Cents":7,"Customer":"eve"}`)
	})
}

func TestAttributeErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 256)
	for name, tc := range map[string]struct {
		topic            topic.Topic[invoice]
		attributes       list
		attribute, error string
	}{
		"no name":      {invoices, list{publisher.Header("", "1")}, "", `publisher: attribute "": property name is empty`},
		"upper case":   {invoices, list{publisher.Header("Tenant", "1")}, "Tenant", `publisher: attribute "Tenant": property name "Tenant" is not in lower case`},
		"no UTF-8":     {invoices, list{publisher.Header("a\xff", "1")}, "a\xff", `publisher: attribute "a\xff": property name "a\xff" is not valid UTF-8`},
		"long name":    {invoices, list{publisher.Header(long, "1")}, long, `publisher: attribute "` + long[:64] + `": property name "` + long[:32] + `"… has 256 bytes, more than 255`},
		"empty ID":     {invoices, list{publisher.ID("")}, "id", `publisher: attribute "id": the ID has 0 bytes, it must be 1 to 255`},
		"long ID":      {invoices, list{publisher.ID(long)}, "id", `publisher: attribute "id": the ID has 256 bytes, it must be 1 to 255`},
		"second wrong": {invoices, list{publisher.Header("a", "1"), publisher.ID("")}, "id", `publisher: attribute "id": the ID has 0 bytes, it must be 1 to 255`},
		"first of two": {invoices, list{publisher.ID(""), publisher.Header("", "1")}, "id", `publisher: attribute "id": the ID has 0 bytes, it must be 1 to 255`},
		"large value": {invoices, list{publisher.Header("name", strings.Repeat("v", maxText-8))}, "(all)",
			`publisher: attribute "(all)": 64987 bytes in all, the limit is 64986`},
		"large key": {invoices, list{publisher.Key(strings.Repeat("k", maxText))}, "(all)",
			`publisher: attribute "(all)": 64994 bytes in all, the limit is 64986`},
		"large key of the topic": {invoices.WithKey(func(invoice) string { return strings.Repeat("k", maxText+1) }), nil, "(all)",
			`publisher: attribute "(all)": 64987 bytes in all, the limit is 64986`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, tc.topic, tc.attributes, tc.attribute, tc.error)
		})
	}
	for _, reserved := range []string{
		"content-type", "key", "id", "correlation-id", "causation-id", "traceparent", "tracestate",
		"kind", "status", "message", "deadline", "attempt",
	} {
		t.Run(reserved, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, invoices, list{publisher.Header(reserved, "1")}, reserved,
				`publisher: attribute "`+reserved+`": the name is reserved`)
		})
	}
}

// checkRefused checks that a publish is refused with that error, counted, and leaves nothing behind: the next event is the first.
func checkRefused(t *testing.T, of topic.Topic[invoice], attributes list, attribute, text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, of.String())
		err := newPublisher(t, o.bus, of, nil).Publish(t.Context(), invoice{5, "ada"}, attributes...)
		var wrong *publisher.AttributeError
		if !errors.As(err, &wrong) || wrong.Name != attribute || err.Error() != text {
			t.Errorf("got  %v\nwant %s", err, text)
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
}

func TestContentType(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		raw := topic.New[[]byte]("images.raw").WithCodec(codec.Raw)
		o := observe(t, invoices.String())
		for _, attributes := range []list{nil, {publisher.Header("a", "1")}} {
			if err := newPublisher(t, o.bus, invoices, nil).Publish(t.Context(), invoice{5, "ada"}, attributes...); err != nil {
				t.Fatal(err)
			}
			if err := newPublisher(t, o.bus, raw, nil).Publish(t.Context(), []byte("image"), attributes...); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i, m := range o.tap.messages() {
			want := []string{"application/json", "application/octet-stream"}[i%2]
			if got := parse(t, m).Header("content-type"); got != want {
				t.Errorf("on the wire, %s has content type %q, want %q", m.Topic, got, want)
			}
		}
		for i := range 2 {
			if same, other := o.typed.All()[i].Header("content-type"), o.other.All()[i].Header("content-type"); same != "application/json" || other != same {
				t.Errorf("subscriptions see %q and %q", same, other)
			}
		}
	})
}
