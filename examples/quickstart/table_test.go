package main

import (
	"strings"
	"testing"
)

func TestTableFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	published := map[string]int{"orders.created": 10, "orders.cancelled": 2}
	complete := []result{
		{Service: "audit", Topics: "orders.created", Delivered: 9, Failed: 1},
		{Service: "billing", Topics: "orders.created", Delivered: 10},
		{Service: "stock", Topics: "orders.", Delivered: 12},
	}
	for name, tc := range map[string]struct {
		change func(*table)
		want   string // in the error; "" for none
	}{
		"nothing":    {func(*table) {}, ""},
		"an event":   {func(t *table) { t.rows[2].Delivered-- }, "stock got 11 of 12 events, 0 were dropped"},
		"a drop":     {func(t *table) { t.rows[1].Dropped = 1 }, "billing got 10 of 10 events, 1 were dropped"},
		"a row":      {func(t *table) { t.rows = t.rows[:2] }, "2 of 3 subscribers have reported"},
		"everything": {func(t *table) { *t = table{} }, "0 of 3 subscribers have reported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := &table{published: published, rows: append([]result(nil), complete...)}
			tc.change(made)
			var out strings.Builder
			err := made.print(&out)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
