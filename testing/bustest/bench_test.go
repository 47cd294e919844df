package bustest_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// BenchmarkFakes is what a fake costs a test, with the end of the test; those with a bus inside beside a bus alone.
func BenchmarkFakes(b *testing.B) {
	for _, bench := range []struct {
		name string
		make func(t testing.TB)
	}{
		{"bus", func(t testing.TB) { bustest.New(t) }},
		{"subscriber", func(t testing.TB) { bustest.NewSubscriber[string](t) }},
		{"publisher", func(t testing.TB) { bustest.NewPublisher(t, orders) }},
		{"call", func(t testing.TB) { bustest.NewCall(t, quote, nil) }},
		{"task", func(t testing.TB) { bustest.NewTask(t, resize) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if failures := faketb.Run(b, bench.make).Failures; failures != "" {
					b.Fatal(failures)
				}
			}
		})
	}
}
