package tracing_test

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(childEndpoint); endpoint != "" {
		runChild(endpoint)
		return
	}
	goleak.VerifyTestMain(m)
}

// patience bounds what would otherwise hang.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// must fails the test's process, or its child.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
