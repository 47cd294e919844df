package topic_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

type order struct {
	Customer string
	Items    int
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "orders.created", "Aufträge.größer als.100€", "orders.*created", strings.Repeat("a", topic.MaxName)} {
		got, err := topic.Parse[order](name)
		if err != nil {
			t.Error(err)
		}
		if got.String() != name || got.WirePrefix() != name || got.Codec() != codec.JSON || got.KeyFunc() != nil {
			t.Errorf("%q became %q, on the wire %q, with codec %v, with keys: %t", name, got, got.WirePrefix(), got.Codec(), got.KeyFunc() != nil)
		}
	}
}

// TestParseErrors has one name for each rule; package internal/match tests the rules themselves.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                       `topic name "" is empty`,
		"orders..eu":             `topic name "orders..eu" has nothing in segment 2`,
		"orders.*":               `topic name "orders.*" has "*" as segment 2, which only a pattern may have`,
		"orders.>":               `topic name "orders.>" has ">" as segment 2, which only a pattern may have`,
		"orders\n":               `topic name "orders\n" has the control character U+000A at byte 6`,
		"orders\xff":             `topic name "orders\xff" is not valid UTF-8 at byte 6`,
		strings.Repeat("a", 256): `topic name "` + strings.Repeat("a", 64) + `"… has 256 bytes, the limit is 255`,
	} {
		got, err := topic.Parse[order](name)
		var wrong *topic.NameError
		if !errors.As(err, &wrong) || wrong.Name != name || err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
		if got.String() != "" || got.Codec() != nil {
			t.Errorf("%q: after an error the topic is %q with codec %v", name, got, got.Codec())
		}
		if panicked := recovered(func() { topic.New[order](name) }); !errors.As(panicked, &wrong) || panicked.Error() != want {
			t.Errorf("New(%q) panicked with %v, want %s", name, panicked, want)
		}
	}
}

// recovered returns the error that f panics with, nil when it does not.
func recovered(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

func TestTopicMatchesItsNameOnly(t *testing.T) {
	t.Parallel()
	orders := topic.New[order]("orders.created")
	for name, want := range map[string]bool{
		"orders.created":    true,
		"orders.created.eu": false,
		"orders.create":     false,
		"Orders.created":    false,
		"":                  false,
	} {
		if got := orders.Match(name); got != want {
			t.Errorf("Match(%q) = %t, want %t", name, got, want)
		}
	}
}

// TestWithLeavesTheOriginal checks that a topic in a package-level variable cannot be changed by those who derive from it.
func TestWithLeavesTheOriginal(t *testing.T) {
	t.Parallel()
	orders := topic.New[order]("orders.created")
	raw := orders.WithCodec(codec.Raw)
	keyed := raw.WithKey(func(o order) string { return o.Customer })
	if orders.Codec() != codec.JSON || orders.KeyFunc() != nil || raw.KeyFunc() != nil {
		t.Errorf("the original has codec %v and keys: %t, the copy has keys: %t", orders.Codec(), orders.KeyFunc() != nil, raw.KeyFunc() != nil)
	}
	if keyed.Codec() != codec.Raw || keyed.String() != "orders.created" || keyed.KeyFunc()(order{Customer: "ada"}) != "ada" {
		t.Errorf("the copy is %q with codec %v", keyed, keyed.Codec())
	}

	prefix, pattern := topic.NewPrefix[order]("orders."), topic.NewPattern[order]("orders.*")
	prefixRaw, patternRaw := prefix.WithCodec(codec.Raw), pattern.WithCodec(codec.Raw)
	if prefix.Codec() != codec.JSON || pattern.Codec() != codec.JSON {
		t.Errorf("the originals have codecs %v and %v", prefix.Codec(), pattern.Codec())
	}
	if prefixRaw.Codec() != codec.Raw || patternRaw.Codec() != codec.Raw || prefixRaw.String() != "orders." || patternRaw.String() != "orders.*" {
		t.Errorf("the copies are %q with codec %v and %q with codec %v", prefixRaw, prefixRaw.Codec(), patternRaw, patternRaw.Codec())
	}
}

// TestZeroValues checks that what nobody should use at least does not panic, and says through its codec that it is not usable.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	for _, zero := range []topic.Selector[order]{topic.Topic[order]{}, topic.Prefix[order]{}, topic.Pattern[order]{}} {
		if zero.Codec() != nil || zero.String() != "" || zero.WirePrefix() != "" {
			t.Errorf("%T: codec %v, name %q, on the wire %q", zero, zero.Codec(), zero, zero.WirePrefix())
		}
		zero.Match("orders.created")
	}
	if (topic.Topic[order]{}).KeyFunc() != nil {
		t.Error("the zero Topic has keys")
	}
}

// typeOf needs T to be inferred from its argument, as in subscriber.New.
func typeOf[T any](topic.Selector[T]) reflect.Type { return reflect.TypeFor[T]() }

func TestSelectorInfersItsType(t *testing.T) {
	t.Parallel()
	want := reflect.TypeFor[order]()
	for name, got := range map[string]reflect.Type{
		"topic":   typeOf(topic.New[order]("orders.created")),
		"prefix":  typeOf(topic.NewPrefix[order]("orders.")),
		"pattern": typeOf(topic.NewPattern[order]("orders.*")),
	} {
		if got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestSelectorIsOfOneType asks at run time what the compiler asks of arguments.
func TestSelectorIsOfOneType(t *testing.T) {
	t.Parallel()
	for _, sel := range []any{topic.New[order]("orders.created"), topic.NewPrefix[order]("orders."), topic.NewPattern[order]("orders.*")} {
		if _, ok := sel.(topic.Selector[order]); !ok {
			t.Errorf("%T is no Selector of its own type", sel)
		}
		if _, ok := sel.(topic.Selector[string]); ok {
			t.Errorf("%T is a Selector of another type", sel)
		}
	}
}
