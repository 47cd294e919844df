package tracing_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// TestDeadLetters has an event that is set aside: all of it is one trace, the handler that failed has the send span of the dead letter as a child,
// and whoever handles the dead letter continues from where the event came from.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTraces(t)
		b := bustest.New(t, tr.options(tracing.Options{}, middleware.DeadLetter("dead", nil)))
		on(t, b, "created", func(context.Context, topic.Event[string]) error { return errNoStock }, nil)
		on(t, b, "dead", ignore, nil)
		ctx, root := tr.root()
		if err := publish(ctx, b, "created", "two pencils"); err != nil {
			t.Fatal(err)
		}
		root.End()
		synctest.Wait()
		tr.line("root", "send created", "process created", "send dead")
		tr.line("send created", "process dead")
		sent, set := tr.get("send created"), tr.get("send dead")
		if len(set.Links) != 1 || set.Links[0].SpanContext.SpanID() != sent.SpanContext.SpanID() {
			t.Errorf("the dead letter has the links %v", set.Links)
		}
		if failed := tr.get("process created"); failed.Status != (sdktrace.Status{Code: codes.Error, Description: errNoStock.Error()}) {
			t.Errorf("an event that was set aside has the status %v", failed.Status)
		}
	})
}
