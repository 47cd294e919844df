package metrics_test

import (
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Each value that Prometheus gets over HTTP is what was done: as text, where histograms have classic buckets, and as protobuf, where they have
// native ones as well.
func TestScrape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, r := newMetrics(t, &metrics.Options{Buckets: []float64{.1, 1}})
		s := openShop(t, m)
		s.publish(s.cancelled, "good", nil) // audit is at it for two seconds
		for _, value := range []string{"good", "bad", "good", "odd", "panic", "exit"} {
			s.publish(s.created, value, map[string]error{"bad": errNoStock}[value]) // by the inline subscription
		}
		s.publish(s.created, "refused", errNoStock)
		got := flatten(scrape(t, r, "text/plain"))
		expect(t, "at once", got, map[string]float64{
			`fanfare_handler_running{bus="shop",name="stock",role="subscriber",topic="orders.created"}`:   1,
			`fanfare_handler_running{bus="shop",name="audit",role="subscriber",topic="orders.cancelled"}`: 1,
			`fanfare_subscription_running{bus="shop",name="stock",selector="orders.created"}`:             1,
			`fanfare_subscription_queue_depth{bus="shop",name="stock",selector="orders.created"}`:         5,
			`fanfare_subscription_queue_depth{bus="shop",name="audit",selector="orders."}`:                1,
			`fanfare_subscription_dropped_total{bus="shop",name="audit",selector="orders."}`:              5,
		})
		for range 2 { // one was handled and one waited; all others are quicker
			<-s.audited
		}
		synctest.Wait()
		s.work()

		f, err := os.Open("testdata/scrape.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		want := flatten(decode(t, f, expfmt.NewFormat(expfmt.TypeTextPlain)))
		text := flatten(scrape(t, r, "text/plain"))
		expect(t, "text", text, want)
		only(t, "text", text, want)
		families := scrape(t, r, `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited`)
		binary := flatten(families)
		expect(t, "protobuf", binary, want)
		only(t, "protobuf", binary, want)
		expectNative(t, families, "fanfare_handler_duration_seconds", "stock", 3, .125, .1875, .125)
		expectNative(t, families, "fanfare_handler_lag_seconds", "stock", 1, .125, .3125, .4375, .4375, .4375)
	})
}

// expectNative checks the native histogram of a subscription.
func expectNative(t *testing.T, families []*dto.MetricFamily, name, of string, zero uint64, values ...float64) {
	t.Helper()
	want := map[int32]int64{}
	for _, v := range values {
		want[int32(math.Ceil(math.Log2(v)*8))]++ // the bounds are powers of the eighth root of two
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name || !hasLabel(m, "name", of) {
				continue
			}
			h := m.GetHistogram()
			if got := nativeBuckets(h); h.GetSchema() != 3 || h.GetZeroCount() != zero || !maps.Equal(got, want) {
				t.Errorf("%s of %s: schema %d, %d at zero, %v, want 3, %d, %v", name, of, h.GetSchema(), h.GetZeroCount(), got, zero, want)
			}
			return
		}
	}
	t.Errorf("there is no %s of %s", name, of)
}

func hasLabel(m *dto.Metric, name, value string) bool {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue() == value
		}
	}
	return false
}

// nativeBuckets returns the counts by the index of the bucket.
func nativeBuckets(h *dto.Histogram) map[int32]int64 {
	buckets := map[int32]int64{}
	index, n, deltas := int32(0), int64(0), h.GetPositiveDelta()
	for _, span := range h.GetPositiveSpan() {
		index += span.GetOffset()
		for range span.GetLength() {
			n, deltas = n+deltas[0], deltas[1:]
			if n > 0 { // small gaps are told as empty buckets
				buckets[index] = n
			}
			index++
		}
	}
	return buckets
}

// scrape asks for the metrics over HTTP, as Prometheus does. The server is gone when it returns.
func scrape(t *testing.T, r *prometheus.Registry, accept string) []*dto.MetricFamily {
	t.Helper()
	server := httptest.NewServer(promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer server.Close()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("Accept", accept)
	answer, err := server.Client().Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	return decode(t, answer.Body, expfmt.ResponseFormat(answer.Header))
}

// decode parses metrics.
func decode(t *testing.T, from io.Reader, format expfmt.Format) (families []*dto.MetricFamily) {
	t.Helper()
	for d := expfmt.NewDecoder(from, format); ; {
		f := &dto.MetricFamily{}
		switch err := d.Decode(f); {
		case err == nil:
			families = append(families, f)
		case errors.Is(err, io.EOF):
			return families
		default:
			t.Fatal(err)
		}
	}
}
