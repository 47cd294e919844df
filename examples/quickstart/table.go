package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// subscribers is how many rows the table must have.
const subscribers = 3

// table is how the example ends.
type table struct {
	published map[string]int // events of each topic
	rows      []result
}

// print prints the table. The error says what is missing in it.
func (t *table) print(out io.Writer) error {
	slices.SortFunc(t.rows, func(a, b result) int { return cmp.Compare(a.Service, b.Service) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nsubscriber\ttopics\tpublished\tdelivered\tfailed\tdropped\tp50\tp99")
	var faults []error
	if len(t.rows) != subscribers {
		faults = append(faults, fmt.Errorf("%d of %d subscribers have reported", len(t.rows), subscribers))
	}
	for _, r := range t.rows {
		published := t.publishedFor(r)
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%v\t%v\n", r.Service, r.Topics, published, r.Delivered, r.Failed, r.Dropped,
			r.P50.Round(time.Microsecond), r.P99.Round(time.Microsecond))
		if got := r.Delivered + r.Failed; got != published || published == 0 || r.Dropped != 0 {
			faults = append(faults, fmt.Errorf("%s got %d of %d events, %d were dropped", r.Service, got, published, r.Dropped))
		}
	}
	return errors.Join(append(faults, w.Flush())...)
}

// publishedFor returns how many events there were for the subscriber: topics is a name, or what several names begin with.
func (t *table) publishedFor(r result) int {
	n := 0
	for name, events := range t.published {
		if strings.HasPrefix(name, r.Topics) {
			n += events
		}
	}
	return n
}
