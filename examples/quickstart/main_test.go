package main

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openShop(t *testing.T, b *bus.Bus) *shop {
	t.Helper()
	s, err := newShop(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said returns what a service has said.
func said(t *testing.T, reports io.Reader) (lines []string) {
	t.Helper()
	for d := json.NewDecoder(reports); ; {
		var r report
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return lines
		case err != nil:
			t.Fatal(err)
		case r.Say != "":
			lines = append(lines, r.Say)
		}
	}
}
