package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
)

// report is what a service tells the process that started it: one JSON object on a line of its stdout. One field is set.
type report struct {
	Say       string         `json:",omitempty"` // to be printed
	Listening string         `json:",omitempty"` // the endpoint that subscribers connect to
	Published map[string]int `json:",omitempty"` // how many events there were of each topic
	Result    *result        `json:",omitempty"` // what a subscriber got
}

// reporter writes the reports of a service.
type reporter struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func newReporter(w io.Writer) *reporter { return &reporter{encoder: json.NewEncoder(w)} }

func (r *reporter) say(format string, args ...any) { r.send(report{Say: fmt.Sprintf(format, args...)}) }

func (r *reporter) listening(endpoint string) { r.send(report{Listening: endpoint}) }

func (r *reporter) published(events map[string]int) { r.send(report{Published: events}) }

func (r *reporter) result(row result) { r.send(report{Result: &row}) }

// notice is for bus.Notices: what the bus has to say about its peers and about lost events.
func (r *reporter) notice(n bus.Notice) { r.say("notice: %v", n) }

// Write says a line of a log.
func (r *reporter) Write(line []byte) (int, error) {
	r.say("log: %s", strings.TrimSpace(string(line)))
	return len(line), nil
}

// send writes a report. When it cannot, the process that reads is gone, and then so is this one, by the signal of a broken pipe.
func (r *reporter) send(m report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.encoder.Encode(m)
}
