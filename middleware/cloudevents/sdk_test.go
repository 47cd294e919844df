package cloudevents_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// formatted returns the canonical text of a value of the SDK's.
func formatted(value any) (string, error) { return types.Format(value) }

// described returns all attributes of an event, in the canonical form.
func described(t testing.TB, e event.Event) string {
	t.Helper()
	lines := []string{e.SpecVersion(), e.ID(), e.Source(), e.Type(), e.Subject(), e.DataSchema(), e.DataContentType(), e.Time().UTC().Format(time.RFC3339Nano)}
	for _, name := range slices.Sorted(maps.Keys(e.Extensions())) {
		text, err := formatted(e.Extensions()[name])
		if err != nil {
			t.Error(err)
		}
		lines = append(lines, fmt.Sprintf("%s=%s", name, text))
	}
	return strings.Join(lines, "\n")
}
