package request_test

import (
	"testing"
)

func TestInProcess(t *testing.T) {
	t.Parallel()
	b := newBus(t, nil)
	serve(t, b, double, twice, nil)
	cl := newClient(t, b, double, nil)
	for n := range 10 {
		if got, err := cl.Do(t.Context(), n); got != 2*n || err != nil {
			t.Fatalf("%d: %d, %v", n, got, err)
		}
	}
}

func TestBetweenProcesses(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		there, here := pair(t, endpoint)
		serve(t, there, double, twice, nil)
		cl := newClient(t, here, double, nil)
		for n := range 10 {
			if got, err := cl.Do(t.Context(), n); got != 2*n || err != nil {
				t.Fatalf("%d: %d, %v", n, got, err)
			}
		}
	})
}
