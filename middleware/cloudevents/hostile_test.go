package cloudevents_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/middleware/cloudevents"
)

// TestManyMembers has an event of a peer that wants to fill the memory: it is refused before its members are decoded. Not parallel:
// AllocsPerRun counts the allocations of all goroutines.
func TestManyMembers(t *testing.T) {
	var many strings.Builder
	many.WriteString("{" + minimalJSON)
	for i := range 100_000 {
		many.WriteString(`,"` + strconv.Itoa(i) + `":1`)
	}
	many.WriteString("}")
	var err error
	allocs := testing.AllocsPerRun(1, func() { _, err = receive(t, nil, structured, many.String()) })
	var wrong *cloudevents.Error
	if !errors.As(err, &wrong) || err.Error() != "cloudevents: an event may have 64 attributes" || allocs > 1000 {
		t.Errorf("got %v, with %v allocations", err, allocs)
	}
}

// TestManyMembersInTheData has an event whose data have commas, quotes and brackets enough, and one with as many members as there may be.
func TestManyMembersInTheData(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ members, want string }{
		"in an object": {`"data":{"a":[` + strings.Repeat("1,", 300) + `1],"b":"\\\"` + strings.Repeat(",", 300) + `"}`, `{"a":[` + strings.Repeat("1,", 300) + `1],"b":"\\\"` + strings.Repeat(",", 300) + `"}`},
		"in a text":    {`"datacontenttype":"text/plain","data":"\\\"{[` + strings.Repeat(",", 300) + `"`, `\"{[` + strings.Repeat(",", 300)},
		"null":         {strings.Repeat(`"x":null,`, 123) + `"data":1`, "1"},
	} {
		got, err := receive(t, nil, structured, "{"+minimalJSON+","+tc.members+"}")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		check(t, name, got.payload, tc.want)
	}
}
