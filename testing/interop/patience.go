package interop

import (
	"context"
	"testing"
	"time"
)

// Patience bounds every wait for something that another process or the network does. Nothing waits for it to pass.
const Patience = 30 * time.Second

// Patient returns a context for one wait of a test: it ends after [Patience], or with the test.
func Patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Next waits for the next of what comes from a channel. It fails the test if nothing does for [Patience].
func Next[E any](t testing.TB, c <-chan E) (e E) {
	t.Helper()
	timeout := time.NewTimer(Patience)
	defer timeout.Stop()
	select {
	case e = <-c:
	case <-timeout.C:
		t.Fatalf("no %T came for %v", e, Patience)
	}
	return e
}
