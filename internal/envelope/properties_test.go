package envelope_test

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/envelope"
)

// pairs collects names and values in the form that text takes.
func pairs(properties iter.Seq2[string, string]) (namesAndValues []string) {
	for name, value := range properties {
		namesAndValues = append(namesAndValues, name, value)
	}
	return namesAndValues
}

func TestAppendProperty(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, value, want string }{
		{"a", "", "\x01a\x00\x00\x00\x00"},
		{"tenant", "acme", "\x06tenant\x00\x00\x00\x04acme"},
		{"größe", "\x00\xFF", "\x07größe\x00\x00\x00\x02\x00\xFF"},
		{strings.Repeat("n", 255), strings.Repeat("v", 0x10203), "\xFF" + strings.Repeat("n", 255) + "\x00\x01\x02\x03" + strings.Repeat("v", 0x10203)},
	} {
		if got := envelope.AppendProperty([]byte("head:"), tc.name, tc.value); string(got) != "head:"+tc.want {
			t.Errorf("%.10q=%.10q: %.40q", tc.name, tc.value, got)
		}
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	for _, want := range [][]string{
		nil,
		{"tenant", "acme"},
		{"b", "", "a", "1", "b", "2"}, // in order, duplicates included
	} {
		if got := pairs(envelope.All(text(want...))); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAllStopsWhenAsked(t *testing.T) {
	t.Parallel()
	var got []string
	for name, value := range envelope.All(text("a", "1", "b", "2", "c", "3")) {
		if got = append(got, name, value); name == "b" {
			break
		}
	}
	if want := []string{"a", "1", "b", "2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	properties := text("a", "1", "b", "", "a", "2", "ab", "3")
	for name, want := range map[string]string{"a": "2", "b": "", "ab": "3"} {
		if got, found := envelope.Lookup(properties, name); !found || got != want {
			t.Errorf("%s: %q, %t, want %q", name, got, found, want)
		}
	}
	for _, name := range []string{"", "c", "A", "abc"} {
		if got, found := envelope.Lookup(properties, name); found || got != "" {
			t.Errorf("%q: %q, %t, but there is no such property", name, got, found)
		}
	}
}

// TestCutShort cuts properties off at every byte: what is whole before the cut can be read, the rest cannot.
func TestCutShort(t *testing.T) {
	t.Parallel()
	first, second := text("tenant", "acme"), text("region", "eu")
	for n := range len(first + second) {
		cut := (first + second)[:n]
		var want []string
		if n >= len(first) {
			want = []string{"tenant", "acme"}
		}
		if got := pairs(envelope.All(cut)); !slices.Equal(got, want) {
			t.Errorf("the first %d bytes: %q, want %q", n, got, want)
		}
		if _, found := envelope.Lookup(cut, "tenant"); found != (want != nil) {
			t.Errorf("the first %d bytes: tenant found = %t", n, found)
		}
		if _, found := envelope.Lookup(cut, "region"); found {
			t.Errorf("the first %d bytes: region found", n)
		}
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a":                      "",
		"x-tenant.region_2":      "",
		"größe":                  "",
		strings.Repeat("n", 255): "",
		"":                       "property name is empty",
		"Tenant":                 `property name "Tenant" is not in lower case`,
		"größE":                  `property name "größE" is not in lower case`,
		"tenant\xff":             `property name "tenant\xff" is not valid UTF-8`,
		strings.Repeat("n", 256): `property name "` + strings.Repeat("n", 32) + `"… has 256 bytes, more than 255`,
	} {
		err := envelope.CheckName(name)
		if got := errorText(err); got != want {
			t.Errorf("%.40q: %q, want %q", name, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestReserved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"content-type", "key", "id", "correlation-id", "causation-id", "traceparent", "tracestate",
		"kind", "status", "message", "deadline", "attempt",
	} {
		if !envelope.Reserved(name) {
			t.Errorf("%q is not reserved", name)
		}
	}
	for _, name := range []string{"", "tenant", "keys", "x-id", "Key"} {
		if envelope.Reserved(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

// FuzzProperties compares everything that reads or changes properties with a plain list of them.
func FuzzProperties(f *testing.F) {
	f.Add(text("tenant", "acme", "key", "k", "tenant", "other"), "tenant", "new")
	f.Add(text("id", "1", "content-type", "text/plain"), "id", "")
	f.Add("\x01a\x00\x00\x00\x02x", "a", "1")
	f.Add("\x00\x00\x00\x00\x00", "a", "1")
	f.Fuzz(func(t *testing.T, encoded, name, value string) {
		list := pairs(envelope.All(encoded))
		if again := text(list...); !strings.HasPrefix(encoded, again) {
			t.Fatalf("%q yields %q", encoded, list)
		}
		last := map[string]string{}
		for i := 0; i < len(list); i += 2 {
			last[list[i]] = list[i+1]
		}
		check := func(m *envelope.Meta) {
			t.Helper()
			headers := map[string]string{}
			for name, value := range m.Headers() {
				if _, again := headers[name]; again || name == "key" || name == "id" {
					t.Fatalf("%q yields the header %q, again: %t", m.Text, name, again)
				}
				headers[name] = value
			}
			for name, want := range last {
				if got, found := m.Property(name); !found || got != want {
					t.Fatalf("%q has %q=%q, %t, want %q", m.Text, name, got, found, want)
				}
				if got, found := headers[name]; (found && got != want) || found == (name == "key" || name == "id") {
					t.Fatalf("%q has the header %q=%q, %t, want %q", m.Text, name, got, found, want)
				}
			}
		}
		m := &envelope.Meta{Origin: &envelope.Origin{}, Text: encoded}
		check(m)
		if name == "" || len(name) > envelope.MaxName {
			return
		}
		m.SetProperty(name, value)
		last[name] = value
		check(m)
	})
}
