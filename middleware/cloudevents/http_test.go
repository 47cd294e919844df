package cloudevents_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/client"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestSDKReceiverAccepts forwards what a bus sends to a complete receiver of the SDK, over HTTP: headers stay headers, the payload is the body.
func TestSDKReceiverAccepts(t *testing.T) {
	t.Parallel()
	for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			received := make(chan event.Event, 1)
			server := httptest.NewServer(sdkReceiver(t, received))
			defer server.Close()
			m := sendOverWire(t, &cloudevents.SendOptions{Mode: mode}, orders, order{"größer", 2}, publisher.ID("7"), publisher.Header("tenant", "acme"))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(m.payload))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range m.headers {
				request.Header.Set(name, value)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("status %s: %s, %v", response.Status, body, err)
			}
			e := <-received
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
			check(t, "event", strings.Join([]string{e.ID(), e.Source(), e.Type(), e.DataContentType(), string(e.Data())}, "\n"),
				"7\n/fanfare/billing\norders.created\napplication/json\n"+`{"item":"größer","count":2}`)
			if e.Extensions()["tenant"] != "acme" || e.Time().IsZero() {
				t.Errorf("got %v", e)
			}
		})
	}
}

// sdkReceiver returns the SDK's HTTP handler, which answers 200 to events that it takes.
func sdkReceiver(t *testing.T, received chan<- event.Event) http.Handler {
	t.Helper()
	p, err := cehttp.New()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := client.NewHTTPReceiveHandler(t.Context(), p, func(_ context.Context, e event.Event) { received <- e })
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// TestSDKSenderIsReceived forwards what the SDK's client sends over HTTP to a bus.
func TestSDKSenderIsReceived(t *testing.T) {
	t.Parallel()
	for mode, force := range map[string]func(context.Context) context.Context{"binary": binding.WithForceBinary, "structured": binding.WithForceStructured} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := wire(t, bus.Options{Subscribe: []bus.Middleware{cloudevents.Receive(&cloudevents.ReceiveOptions{Required: true})}})
			got := bustest.Record(t, w.bus, orders)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := got.Subscription().Ready(ctx); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				m := &message{headers: headers{}}
				for name, values := range r.Header {
					if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "ce-") {
						m.headers[name] = values[0]
					}
				}
				var err error
				if m.payload, err = io.ReadAll(r.Body); err != nil {
					t.Error(err)
				}
				w.send(t, orders.String(), m)
			}))
			defer server.Close()
			sent := sdkSend(t, force(ctx), server)
			e := got.Wait(1)[0]
			if e.Value != (order{"größer", 2}) || e.Header("tenant") != "acme" {
				t.Errorf("got %v", e)
			}
			checkSame(t, e, sent)
		})
	}
}

// sdkSend has the SDK's client send an event, and returns it.
func sdkSend(t *testing.T, ctx context.Context, server *httptest.Server) event.Event {
	t.Helper()
	c, err := client.NewHTTP(cehttp.WithTarget(server.URL), cehttp.WithClient(*server.Client()))
	if err != nil {
		t.Fatal(err)
	}
	e := event.New()
	e.SetID("7")
	e.SetSource("/shop")
	e.SetType("com.example.order")
	e.SetTime(time.Date(2020, 1, 1, 0, 0, 0, 123456789, time.UTC))
	e.SetExtension("tenant", "acme")
	if err := e.SetData(event.ApplicationJSON, order{"größer", 2}); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(ctx, e); !protocol.IsACK(err) {
		t.Fatal(err)
	}
	return e
}

// checkSame compares the attributes of what was received.
func checkSame(t *testing.T, got topic.Event[order], want event.Event) {
	t.Helper()
	attributes, err := cloudevents.FromHeaders(got.Headers())
	if err != nil {
		t.Fatal(err)
	}
	check(t, "attributes", described(t, attributes), described(t, want))
}
