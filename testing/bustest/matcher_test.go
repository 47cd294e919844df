package bustest_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/go-cmp/cmp"
)

// parcel has what values can have: exported and unexported fields, and a type with an Equal method.
type parcel struct {
	To     string
	Weight float64
	Sent   time.Time
	secret int
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	value := parcel{To: "ada", Weight: 1.5, Sent: noon, secret: 7}
	seen := bustest.Seen[parcel]{After: 3 * time.Second, Event: topic.NewEvent(value, topic.Metadata{
		Topic: "parcels.sent", Key: "ada", Headers: map[string]string{"tenant": "acme"},
	})}
	elsewhere := value
	elsewhere.Sent = noon.In(time.FixedZone("", 3600))
	lighter := value
	lighter.Weight = 1
	hidden := value
	hidden.secret = 8
	ignoreWeight := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Weight" }, cmp.Ignore())
	for name, tc := range map[string]struct {
		matcher     bustest.Matcher[parcel]
		differences []string // parts of what is said; none: it matches
	}{
		"equal":            {bustest.Equal(value), nil},
		"equal, not":       {bustest.Equal(lighter), []string{"the value differs (-want +got):\n", "Weight: 1,", "Weight: 1.5,"}},
		"equal, hidden":    {bustest.Equal(hidden), []string{"secret: 8,", "secret: 7,"}},
		"equal, elsewhere": {bustest.Equal(elsewhere), []string{"the value is bustest_test.parcel{", "want bustest_test.parcel{"}},
		"like":             {bustest.Like(elsewhere), nil},
		"like, not":        {bustest.Like(lighter), []string{"the value differs (-want +got):\n", "Weight: 1,"}},
		"like, hidden":     {bustest.Like(hidden), []string{"secret: 8,"}},
		"like, ignored":    {bustest.Like(lighter, ignoreWeight), nil},
		"topic":            {bustest.Topic[parcel]("parcels.sent"), nil},
		"topic, not":       {bustest.Topic[parcel]("parcels.lost"), []string{`the topic is "parcels.sent", want "parcels.lost"`}},
		"header":           {bustest.Header[parcel]("tenant", "acme"), nil},
		"header, not":      {bustest.Header[parcel]("tenant", "other"), []string{`header tenant is "acme", want "other"`}},
		"header, capital":  {bustest.Header[parcel]("Tenant", ""), []string{"no event has a header Tenant: their names are in lower case"}},
		"header, none":     {bustest.Header[parcel]("absent", ""), nil},
		"key":              {bustest.Key[parcel]("ada"), nil},
		"key, not":         {bustest.Key[parcel]("bob"), []string{`the key is "ada", want "bob"`}},
		"within":           {bustest.Within[parcel](3 * time.Second), nil},
		"within, not":      {bustest.Within[parcel](2 * time.Second), []string{"it came after 3s, want within 2s"}},
		"where":            {bustest.Where("heavy", func(e topic.Event[parcel]) bool { return e.Value.Weight > 1 }), nil},
		"where, not":       {bustest.Where("light", func(e topic.Event[parcel]) bool { return e.Value.Weight < 1 }), []string{"it is not"}},
		"both":             {bustest.Both(bustest.Like(value), bustest.Key[parcel]("ada")), nil},
		"both, neither": {bustest.Both(bustest.Topic[parcel]("x"), bustest.Key[parcel]("y")), []string{
			`the topic is "parcels.sent", want "x"; the key is "ada", want "y"`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.matcher.Differs(seen)
			if (got == "") != (tc.differences == nil) {
				t.Errorf("got %q", got)
			}
			for _, want := range tc.differences {
				if !strings.Contains(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
		})
	}
}

func TestMatchersSayWhatTheyWant(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]bustest.Matcher[float64]{
		"1.5":                         bustest.Equal(1.5),
		"like 1.5":                    bustest.Like(1.5),
		"topic a.b":                   bustest.Topic[float64]("a.b"),
		`header tenant: "acme"`:       bustest.Header[float64]("tenant", "acme"),
		`key "ada"`:                   bustest.Key[float64]("ada"),
		"within 1s":                   bustest.Within[float64](time.Second),
		"small":                       bustest.Where("small", func(topic.Event[float64]) bool { return true }),
		"1.5 and like 2 and key \"\"": bustest.Both(bustest.Equal(1.5), bustest.Like(2.0), bustest.Key[float64]("")),
	} {
		if m.Want != want {
			t.Errorf("want %q, is %q", want, m.Want)
		}
	}
}

// NaN is unequal to itself, and go-cmp shows no difference between two.
func TestEqualShowsWhatGoCmpDoesNot(t *testing.T) {
	t.Parallel()
	got := bustest.Equal(math.NaN()).Differs(bustest.Seen[float64]{Event: topic.NewEvent(math.NaN(), topic.Metadata{})})
	if !strings.Contains(got, "NaN") {
		t.Errorf("got %q", got)
	}
}
